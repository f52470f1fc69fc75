"""The tables of losses in ``docs/guide/choose_a_loss.md``, written from the catalogue.

Print them with ``python -m tests.readme_table``.
"""

from sklloss.losses import list_losses


def rows(task: str) -> str:
    """Return one line of the table per loss."""
    lines = []
    for row in list_losses(task).to_dict("records"):
        aliases = ", ".join(f"`{alias}`" for alias in row["aliases"])
        cells = [f"`{row['name']}`", aliases, row["functional"]]
        if task == "classification":
            cells.append("yes" if row["predict_proba"] else "no: a decision only")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(rows("regression"), rows("classification"), sep="\n\n")
