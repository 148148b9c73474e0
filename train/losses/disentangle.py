r"""PCL's losses: disentangling by reconstruction and orthogonality, and two contrasts.

Liu et al. 2023, Eq. 2 to 7. N faces in a mini-batch; :math:`s` is a face and :math:`\hat s` the
same in another pose; :math:`F_f` are pose-unrelated and :math:`F_p` pose-related features. Where
faces are compared with one another (Eq. 3 of correlations, Eq. 6) they are those of all processes.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fmdata.train.distributed import gathered
from fmdata.train.losses.precision import full_precision

TINY = 1e-8  # a contrast with distant negatives is 0 in float32
MAX_RATIO = 2.0  # of a loss to its value one epoch before


def disentangling_loss(
    decode: Callable[[Tensor, Tensor], Tensor],
    images: tuple[Tensor, Tensor],
    face: tuple[Tensor, Tensor],
    pose: tuple[Tensor, Tensor],
) -> Tensor:
    r"""Compare images with their reconstructions from the pose and either image's face.

    Liu et al. 2023, Eq. 2; its four terms are the four transformations of Eq. 1:

    .. math::
        L_{dis} = \|s - D(F_f, F_p)\|_1 + \|\hat s - D(F_f, F_{\hat p})\|_1
                + \|s - D(F_{\hat f}, F_p)\|_1 + \|\hat s - D(F_{\hat f}, F_{\hat p})\|_1

    Each norm is divided by the number of values, so that it does not depend on the image's size.

    Parameters
    ----------
    decode : callable
        D: F_f and F_p, float [B, n] each, to images, float [B, 3, S, S].
    images : pair of Tensor float [N, 3, S, S]
        :math:`s`, and the same faces in another pose.
    face, pose : pair of Tensor float [N, n]
        Features of both.

    Returns
    -------
    Tensor float []
    """
    swaps = [(f, p) for f in range(2) for p in range(2)]
    made = decode(torch.cat([face[f] for f, _ in swaps]), torch.cat([pose[p] for _, p in swaps]))
    wanted = torch.cat([images[p] for _, p in swaps])
    return len(swaps) * (made - wanted).abs().mean()


@full_precision
def product_orthogonality(face: Tensor, pose: Tensor) -> Tensor:
    r"""Penalise the dot product of each image's two features: Eq. 3 as printed, for s or its view.

    .. math:: L_{orth} = \frac{1}{N} \sum_{i=1}^{N} \|F_f \cdot F_p\|_2^2

    Parameters
    ----------
    face, pose : Tensor float [N, n]
    """
    return (face * pose).sum(dim=1).square().mean()


@full_precision
def correlation_orthogonality(face: Tensor, pose: Tensor) -> Tensor:
    r"""Penalise correlations of face and pose features: Eq. 3 as in the authors' code.

    .. math:: L_{orth} = \frac{1}{N^2} \|\bar F_f^\top \bar F_p\|_F^2

    where the mean over the mini-batch is subtracted from the rows of :math:`\bar F`, which are then
    scaled to length 1. The loss is 1 when all rows are equal up to sign, and 0 when no face feature
    correlates with a pose feature. The printed dot product depends on the arbitrary order of the
    two branches' features: a permuted copy of F_f can be orthogonal to F_f. The paper's text asks
    for uncorrelated features, so this form is the recipe's default. (The authors' code divides by
    n squared instead of N squared, which makes the loss too small to matter.)

    Parameters
    ----------
    face, pose : Tensor float [N, n]
    """
    whole = map(gathered, (face, pose))
    f, p = (nn.functional.normalize(x - x.mean(dim=0), dim=1) for x in whole)
    return (f.T @ p).square().sum() / len(f) ** 2


@full_precision
def pose_contrast(first: Tensor, second: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    r"""Contrast a face's pose with other poses of the same face.

    Liu et al. 2023, Eq. 5:

    .. math::
        L_{pose} &= l_p(F_{p_i}, F_{p_j}) + l_p(F_{p_j}, F_{p_i}) \\
        l_p(a, b) &= -\log \frac{\exp(\mathrm{sim}(a, b) / \tau)}
            {\exp(\mathrm{sim}(a, b) / \tau)
             + \sum_{m=1}^{M} \exp(\mathrm{sim}(a, F_{\hat p_m}) / \tau)}

    Two misprints are corrected by Eq. 6 and the authors' code. The second term's second argument
    is F_pi, not a negative. The positive is part of the sum in the denominator: without it, a
    single negative would leave a plain difference of cosines, which is unbounded below zero and
    whose ratio between epochs (see :func:`dynamic_weights`) has no meaning.

    Parameters
    ----------
    first, second : Tensor float [N, n]
        Features of two views in the face's own pose.
    negatives : Tensor float [N, M, n]
        Features of M views of the same face in other poses.
    temperature : float
        :math:`\tau`.

    Returns
    -------
    Tensor float []
        Mean over the N faces.
    """
    a, b, others = (nn.functional.normalize(x, dim=-1) for x in (first, second, negatives))
    positive = (a * b).sum(dim=1, keepdim=True)
    loss = first.new_zeros(())
    for view in (a, b):
        negative = (others @ view[:, :, None]).squeeze(2)
        loss = loss - (torch.cat([positive, negative], 1) / temperature).log_softmax(1)[:, 0].mean()
    return loss


@full_precision
def face_contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    r"""Contrast a face with the other faces of the mini-batch (SimCLR's loss).

    Liu et al. 2023, Eq. 6, with z over both views of all N faces:

    .. math::
        L_{face} &= l_f(F_{f_i}, F_{f_j}) + l_f(F_{f_j}, F_{f_i}) \\
        l_f(F_{f_i}, F_{f_j}) &= -\log \frac{\exp(\mathrm{sim}(F_{f_i}, F_{f_j}) / \tau)}
            {\sum_{z=1}^{2N} 1_{[z \ne i]} \exp(\mathrm{sim}(F_{f_i}, F_{f_z}) / \tau)}

    Parameters
    ----------
    first, second : Tensor float [N, n]
        Features of two views of each face.
    temperature : float
        :math:`\tau`.

    Returns
    -------
    Tensor float []
        Mean over the N faces.
    """
    first, second = gathered(first), gathered(second)
    n = len(first)
    v = nn.functional.normalize(torch.cat([first, second]), dim=1)
    self_pairs = torch.eye(2 * n, dtype=torch.bool, device=v.device)
    similarity = (v @ v.T / temperature).masked_fill(self_pairs, -torch.inf)
    partner = torch.arange(2 * n, device=v.device).roll(n)
    return 2 * nn.functional.cross_entropy(similarity, partner)


def dynamic_weights(
    history: Sequence[Mapping[str, Any]], names: Sequence[str], temperature: float = 2.0
) -> dict[str, float]:
    r"""Return the contrasts' weights in Eq. 7, by dynamic weight average (Liu et al. 2019, Eq. 7).

    .. math::
        \alpha_k(t) = \frac{K \exp(r_k / T)}{\sum_i \exp(r_i / T)}, \qquad
        r_k = \frac{L_k(t - 1)}{L_k(t - 2)}

    where each L is a mean over an epoch: a loss that falls slowly gains weight. All weights are 1
    in the first two epochs. Unlike in the paper, the ratio is clipped at 2: the ratio of a loss
    near zero is noise, and would take all the weight from the other loss.

    Parameters
    ----------
    history : sequence of mapping
        The epochs so far, with the mean of each loss by its name.
    names : sequence of str
        Names of the K losses.
    temperature : float
        T; 2 in the authors' code and in Liu et al. 2019.
    """
    if len(history) < 2:
        return dict.fromkeys(names, 1.0)
    before, last = history[-2:]
    ratios = torch.tensor(
        [last[name] / max(before[name], TINY) for name in names], dtype=torch.float64
    )
    weights = len(names) * (ratios.clamp(max=MAX_RATIO) / temperature).softmax(dim=0)
    return dict(zip(names, weights.tolist(), strict=True))


def total_loss(parts: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    r"""Sum all losses: Eq. 4 in Eq. 7.

    .. math:: L = L_{orth} + L_{dis} + \alpha_{pose} L_{pose} + \alpha_{face} L_{face}

    Parameters
    ----------
    parts : mapping of str to Tensor float []
        The losses by name.
    weights : mapping of str to float
        Weights of some of them; the others have weight 1.
    """
    return torch.stack([weights.get(name, 1.0) * loss for name, loss in parts.items()]).sum()
