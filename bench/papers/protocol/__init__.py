"""The protocol of all comparisons, independent of any paper.

Folds by subject; each training sees training and inner subjects only (:mod:`sealed`); settings are
chosen on the inner subjects (:mod:`choice`); held-out subjects are measured last (:mod:`training`);
differences are paired by subject, with intervals, Holm's correction and the smallest difference
that could have been seen (:mod:`differences`).
"""
