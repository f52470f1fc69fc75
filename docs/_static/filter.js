// Filters the catalogue of losses by task and by words. Without this script the page is complete.
"use strict";

(() => {
  const HEADERS = ["loss", "task"];

  // The table of all losses is the first one with these headers.
  const overview = () =>
    [...document.querySelectorAll("article table, main table")].find((table) => {
      const words = [...table.querySelectorAll("th")].map((th) => th.textContent.trim().toLowerCase());
      return HEADERS.every((header, k) => words[k] === header);
    });

  const words = (element) => (element ? element.textContent.toLowerCase() : "");

  // The section that a row of the table links to.
  const entryOf = (row) => {
    const link = row.querySelector("a[href*='#']");
    const target = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
    return target && target.closest("section");
  };

  // What a loss is known by: its row, its family, other names, what it estimates, and when to take it, but not when
  // not to.
  const knownBy = (row, entry) => {
    if (!entry) return words(row);
    const family = entry.parentElement.closest("section");
    const found = [words(row), words(family && family.querySelector("h2, h3"))];
    for (const line of entry.querySelectorAll("tr")) {
      if (/^(class|also called|estimates)$/.test(words(line.cells[0]).trim())) found.push(words(line));
    }
    for (const paragraph of entry.querySelectorAll("p")) {
      if (words(paragraph).startsWith("when:")) found.push(words(paragraph));
    }
    return found.join(" ").replaceAll("_", " ");
  };

  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

  const start = () => {
    const table = overview();
    if (!table) return;
    const rows = [...table.tBodies[0].rows];
    const losses = rows.map((row) => {
      const entry = entryOf(row);
      return { row, entry, task: words(row.cells[1]).trim(), text: knownBy(row, entry) };
    });
    const tasks = ["all", ...new Set(losses.map((loss) => loss.task))];
    // Sections that hold nothing but losses: families and tasks.
    const holders = new Map();
    for (const loss of losses) {
      let above = loss.entry && loss.entry.parentElement.closest("section");
      while (above && !above.querySelector("h1")) {
        if (!holders.has(above)) holders.set(above, []);
        holders.get(above).push(loss);
        above = above.parentElement.closest("section");
      }
    }

    // The tables of questions, "In regression you want ...", by their task.
    const questions = [...document.querySelectorAll("table")].flatMap((questionTable) => {
      const found = /^in (\w+) you want/.exec(words(questionTable.querySelector("th")).trim());
      const outer = questionTable.closest(".pst-scrollable-table-container") || questionTable;
      return found ? [{ outer, task: found[1] }] : [];
    });

    const bar = make("div", { className: "loss-filter" });
    bar.setAttribute("role", "search");
    const input = make("input", {
      type: "search",
      placeholder: "Name, alias, or what you want: outliers, imbalanced, median …",
    });
    input.setAttribute("aria-label", "Filter losses");
    const buttons = tasks.map((task) => make("button", { type: "button", textContent: task }));
    const group = make("div", { className: "loss-filter-tasks" });
    group.append(...buttons);
    const count = make("p", { className: "loss-filter-count" });
    count.setAttribute("aria-live", "polite");
    bar.append(input, group, count);
    const holder = table.closest(".pst-scrollable-table-container") || table;
    holder.before(bar);

    const state = { task: "all", query: "" };

    const show = () => {
      const wanted = state.query.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const loss of losses) {
        const fits =
          (state.task === "all" || loss.task === state.task) &&
          wanted.every((word) => loss.text.includes(word));
        loss.row.hidden = !fits;
        if (loss.entry) loss.entry.hidden = !fits;
        shown += fits;
      }
      for (const [section, inside] of holders) {
        section.hidden = inside.every((loss) => loss.row.hidden);
      }
      for (const { outer, task } of questions) {
        outer.classList.toggle("loss-filtered-out", state.task !== "all" && state.task !== task);
      }
      buttons.forEach((button, k) => button.setAttribute("aria-pressed", tasks[k] === state.task));
      count.textContent = shown ? `${shown} of ${losses.length} losses` : "No loss. Try fewer words.";
    };

    // Not "q", which the search of Sphinx reads on every page.
    const remember = () => {
      const asked = new URLSearchParams();
      if (state.task !== "all") asked.set("task", state.task);
      if (state.query) asked.set("words", state.query);
      const search = asked.toString() ? `?${asked}` : "";
      try {
        history.replaceState(null, "", location.pathname + search + location.hash);
      } catch {
        // Pages opened as files may not change their address.
      }
    };

    const set = (change) => {
      Object.assign(state, change);
      show();
      remember();
    };

    input.addEventListener("input", () => set({ query: input.value.trim() }));
    buttons.forEach((button, k) => button.addEventListener("click", () => set({ task: tasks[k] })));

    // A link to a loss that is filtered out shows all losses again.
    const reveal = () => {
      const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (!target || !target.closest("section[hidden]")) return;
      input.value = "";
      set({ task: "all", query: "" });
      target.scrollIntoView();
    };
    window.addEventListener("hashchange", reveal);

    const asked = new URLSearchParams(location.search);
    state.query = asked.get("words") || "";
    state.task = tasks.includes(asked.get("task")) ? asked.get("task") : "all";
    input.value = state.query;
    show();
    reveal();
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
