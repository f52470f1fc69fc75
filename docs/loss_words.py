"""The words of ``losses.md`` on single losses: when to take one, in about five words."""

import re

# By anchor, for the table of all losses.
IN_SHORT = {
    "regression_squared_error": "the default; R², totals",
    "regression_absolute_error": "typical values; MAE as score",
    "regression_huber": "a few outliers, otherwise normal noise",
    "regression_smooth_l1": "huber, with gradients of fixed size",
    "regression_pseudo_huber": "huber, but smooth; for L-BFGS",
    "regression_log_cosh": "a few outliers, nothing to search",
    "regression_quantile": "one level: stocks, reserves, delivery times",
    "regression_multi_quantile": "intervals without assuming a distribution",
    "regression_expectile": "errors on one side cost more",
    "regression_epsilon_insensitive": "small deviations do not matter",
    "regression_squared_epsilon_insensitive": "tolerance, then squared cost",
    "regression_cauchy": "many outliers, heavy tails",
    "regression_welsch": "gross errors, wrong units: outliers ignored",
    "regression_geman_mcclure": "gross errors: outliers nearly ignored",
    "regression_tukey": "gross errors: outliers ignored entirely",
    "regression_fair": "outliers pull less, no threshold",
    "regression_barron": "search how much outliers count",
    "regression_adaptive": "learn how much outliers count",
    "regression_poisson": "counts and rates, zeros included",
    "regression_gamma": "positive amounts, spread grows with mean",
    "regression_tweedie": "amounts, many of them zero",
    "regression_negative_binomial": "counts with intervals, overdispersed",
    "regression_zero_inflated_poisson": "counts, rows that are always zero",
    "regression_zero_inflated_negative_binomial": "overdispersed counts, rows always zero",
    "regression_hurdle_poisson": "counts, zeros have their own causes",
    "regression_hurdle_negative_binomial": "overdispersed counts, separate zeros",
    "regression_absolute_percentage_error": "MAPE as score, no zeros",
    "regression_squared_log_error": "ratios matter; squared log error",
    "regression_gaussian_nll": "intervals under roughly normal noise",
    "regression_laplace_nll": "median and spread, long tails",
    "regression_student_t_nll": "intervals despite outliers",
    "regression_lognormal_nll": "prices and incomes with intervals",
    "regression_crps": "distributions judged in units of y",
    "regression_cross_entropy": "distributions of any shape, many rows",
    "classification_cross_entropy": "the default; probabilities",
    "classification_squared_error": "probabilities, a few wrong labels",
    "classification_absolute_error": "wrong labels, few classes, decisions",
    "classification_huber": "wrong labels, still probabilities",
    "classification_focal": "many easy rows, few hard",
    "classification_class_balanced": "imbalanced classes, balanced accuracy",
    "classification_logit_adjusted": "imbalanced classes, with probabilities",
    "classification_ldam": "imbalanced classes that are well separated",
    "classification_asymmetric": "multi-label, few labels per row; imbalanced",
    "classification_generalized_cross_entropy": "wrong labels, with probabilities",
    "classification_symmetric_cross_entropy": "wrong labels, faster learning",
    "classification_normalized_cross_entropy": "wrong labels, two classes, decisions",
    "classification_active_passive": "many wrong labels, decisions",
    "classification_bootstrap": "few wrong labels, easy data",
    "classification_forward_correction": "wrong labels at known rates",
    "classification_bi_tempered": "wrong labels, near and far",
    "classification_poly1": "search around cross-entropy",
    "classification_taylor_cross_entropy": "wrong labels, one whole number",
    "classification_hinge": "decisions, as a linear SVM",
    "classification_multi_margin": "decisions, as torch's MultiMarginLoss",
    "classification_squared_hinge": "margins with probabilities, clean labels",
    "classification_modified_huber": "margins with probabilities, wrong labels",
    "classification_exponential": "AdaBoost's loss, clean labels",
    "classification_squared_logits": "clean labels, bounded outputs",
    "classification_soft_f1": "imbalanced classes, F1 as score",
    "classification_auc_margin": "two imbalanced classes, decisions",
    "classification_cumulative_link": "ordered classes, few rows",
    "classification_coral": "ordered classes, distance matters",
    "classification_corn": "ordered classes, many rows",
    "segmentation_dice": "small regions, overlap as score",
    "segmentation_tversky": "missed pixels cost more: imbalanced regions",
    "boxes_giou": "overlap (IoU) as score",
    "boxes_ciou": "overlap as score, faster",
    "transcription_ctc": "the default; no alignment needed",
    "transcription_focal_ctc": "rare symbols: imbalanced transcripts",
    "transcription_entropy_ctc": "isolated spikes, training stalls",
    "recommendation_bpr": "the default; clicks and purchases",
    "recommendation_hinge": "pairs in order stop pulling",
    "recommendation_warp": "only the top is shown",
    "recommendation_infonce": "the top counts, many negatives",
    "ranking_squared_error": "relevance itself is wanted too",
    "ranking_hinge": "all pairs count, with a margin",
    "ranking_ranknet": "all pairs count, whole order",
    "ranking_lambdarank": "the default; NDCG as score",
    "ranking_listnet": "the few best first, fast",
    "ranking_listmle": "whole order, many levels",
    "ranking_approx_ndcg": "smooth NDCG, after lambdarank",
    "embedding_cosine_embedding": "a first look at pairs",
    "embedding_hinge_embedding": "pairs, some wrongly called similar",
    "embedding_contrastive": "pairs, one distance for all",
    "embedding_triplet": "nearest neighbours, unequal spread",
    "embedding_infonce": "the default; neighbours, new classes",
}

# How a sentence begins that says when not to take a loss; see also REFUSALS.
AGAINST = ("Not ", "Take ", "Otherwise ", "Try logit_adjusted")
# Sentences that name another loss for another purpose, or a weakness, however they begin.
REFUSALS = (
    "For levels outside the trained ones",
    "For several levels at once",
    "If you have one shape in mind",
    "Without zeros",
    "Its predictions are low on purpose",
    "With outliers take student_t_nll",
    "For normal noise its outer quantiles",
    "If only the mean matters",
    "If the noise is truly normal",
    "With wrong labels see",
    "Rows that are badly misclassified",
    "gamma alone moves no decision",
    "It does not move the decision",
    "On clean labels",
    "For the area under the ROC curve alone",
    "For the likelihood of the ranks",
    "With few rows take",
    "For regions of a few pixels",
    "Progress is slow",
    "A wrong order far down the list",
    "It learns little once",
    "It benefits from many sampled items",
    "It spends effort on",
    "If only the first positions matter, take",
    "It no longer pushes",
    "For nearest neighbours of labelled rows",
)

# What the class does not say: when not to take a loss.
WHEN_NOT = {
    "regression_poisson": (
        "Not for intervals of counts that vary more than their mean: take negative_binomial."
    ),
    "regression_zero_inflated_poisson": (
        "Not if zeros have no cause of their own: take poisson, which finds the mean anyway."
    ),
    "regression_hurdle_poisson": (
        "Not if you only need the mean: poisson finds it with half the outputs."
    ),
    "regression_quantile": "Not for the mean or for totals: quantiles do not add up.",
    "classification_huber": "Not on clean labels, where cross_entropy is more precise.",
    "classification_modified_huber": (
        "Not if you need probabilities of clear cases: beyond the margin they are 0 or 1."
    ),
    "boxes_ciou": "Not if the score is the distance of corners in pixels: take smooth_l1.",
    "transcription_ctc": "Not if symbols may change their order: CTC is monotonic.",
    "transcription_entropy_ctc": "Not if the transcripts of ctc are good already.",
    "recommendation_warp": "Not if the whole order counts: take bpr.",
    "ranking_listnet": "Not if the whole order matters: take ranknet or listmle.",
    "ranking_listmle": "Not if only the first positions matter: take lambdarank.",
    "ranking_lambdarank": "Not if every pair counts the same: take ranknet.",
    "ranking_approx_ndcg": "Not as a first choice: take lambdarank.",
}


def when_and_not(anchor: str, when: str) -> tuple[str, str]:
    """Return when to take a loss, and when not."""
    sentences = re.split(r"(?<=\.) (?=[A-Zg])", when)
    against = [text for text in sentences if text.startswith(AGAINST + REFUSALS)]
    own = [text for text in sentences if text not in against]
    against += [WHEN_NOT[anchor]] if anchor in WHEN_NOT else []
    return " ".join(own), " ".join(map(after_not, against))


def after_not(sentence: str) -> str:
    """Return a sentence without the "not" that its heading says."""
    if not sentence.startswith("Not "):
        return sentence
    rest = sentence.removeprefix("Not ").replace(", nor ", ", or ")
    return rest[0].upper() + rest[1:]
