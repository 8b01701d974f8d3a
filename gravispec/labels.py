"""The labels that are predicted, in this order everywhere."""

#: dex, K, dex; log g, the one that everything else is about, comes first
LABELS = ("log_g", "T_eff", "M_H")
