"""Panels of a verification: ROC, DET, calibration, enrolment; each draws into given axes."""

import numpy as np
from matplotlib.axes import Axes
from scipy.special import ndtri

from fmdata.train.verification.calibration import Calibrated
from fmdata.train.verification.measure import Verification
from fmdata.train.verification.operating import BEST, FARS, MEAN

FAR_AXIS = np.geomspace(1e-3, 1, 61)
TICKS = 0.001, 0.01, 0.05, 0.1, 0.2, 0.4


def draw_roc(ax: Axes, verification: Verification) -> None:
    """Draw FRR against FAR on a logarithmic scale, with bands over subjects."""
    for name, group in verification.groups.items():
        rates = group.rates
        (line,) = ax.plot(rates.far, 1 - rates.frr, label=f"{name}, EER {rates.eer.value:.3f}")
        low, high = rates.frr_band(FAR_AXIS)
        ax.fill_between(FAR_AXIS, 1 - high, 1 - low, color=line.get_color(), alpha=0.15)
    ax.plot(FAR_AXIS, FAR_AXIS, color="grey", linestyle=":", label="chance")
    ax.set(xscale="log", xlim=(1e-3, 1), ylim=(0, 1.02))
    ax.set(xlabel="FAR", ylabel="1 - FRR")
    ax.set_title(f"ROC, {len(verification.subjects)} held-out subjects, 95 % bands", fontsize=9)
    ax.legend(fontsize=6)


def draw_det(ax: Axes, verification: Verification) -> None:
    """Draw FRR against FAR, both on the scale of normal deviates, with bands over subjects."""
    ends = ndtri([TICKS[0], 0.6])
    for name, group in verification.groups.items():
        rates = group.rates
        (line,) = ax.plot(_deviates(rates.far), _deviates(rates.frr), label=name)
        low, high = rates.frr_band(FAR_AXIS)
        x = _deviates(FAR_AXIS)
        colour = line.get_color()
        ax.fill_between(x, _deviates(low), _deviates(high), color=colour, alpha=0.15)
    ax.plot(ends, ends, color="grey", linestyle=":", label="equal")
    for row in verification.operated:
        if (row.enrolled, row.by) == (1, MEAN):
            place = _deviates(np.array([row.far.value, row.frr.value]))
            ax.plot(*place, "k+", label=f"threshold for {100 * row.threshold.far:g} %")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(ndtri(TICKS), [f"{100 * tick:g}" for tick in TICKS])
    ax.set(xlim=ends, ylim=ends, xlabel="FAR, %", ylabel="FRR, %")
    ax.set_title("DET, 95 % bands over subjects", fontsize=9)
    ax.legend(fontsize=6)


def draw_calibration(ax: Axes, calibrated: Calibrated) -> None:
    """Draw the share of genuine comparisons against the stated probability."""
    ax.plot([0, 1], [0, 1], color="grey", linestyle=":")
    ax.plot(calibrated.stated, calibrated.observed, marker="o")
    ax.set(xlabel="stated probability", ylabel="share of genuine comparisons")
    title = f"calibration error {calibrated.error:.3f}, {calibrated.cllr:.2f} bits"
    ax.set_title(title, fontsize=9)


def draw_enrolment(ax: Axes, verification: Verification) -> None:
    """Draw FRR against the number of enrolled clips, at the threshold for a FAR of 1 %."""
    rows = [row for row in verification.operated if row.threshold.far == FARS[0]]
    for by in (MEAN, BEST):
        some = [row for row in rows if row.by == by or row.enrolled == 1]
        x, y = [row.enrolled for row in some], [row.frr.value for row in some]
        ends = np.array([[row.frr.low, row.frr.high] for row in some]).reshape(-1, 2)
        reach = np.nan_to_num(np.abs(ends.T - y))
        ax.errorbar(x, y, reach, marker="o", capsize=3, label=f"{by} of the enrolled")
    ax.set(xlabel="enrolled clips", ylabel="FRR at the threshold for FAR 1 %")
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=8)


def _deviates(shares: np.ndarray) -> np.ndarray:
    """Return normal deviates of shares; 0 and 1 lie outside of the picture."""
    deviates: np.ndarray = ndtri(np.clip(shares, 1e-6, 1 - 1e-6))
    return deviates
