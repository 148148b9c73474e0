"""Losses of regions and their relations: RRL (2023), Eq. 2 to 7, one function per equation.

Outputs of the online network carry gradients, those of the target network do not.
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from fmdata.train.losses.precision import full_precision

# Entropy of the transport and its iterations, as in SwAV; the paper gives none.
EPSILON, ITERATIONS = 0.05, 3
FLOOR = 1e-3  # minimum of a marginal before scaling, so that no unit vanishes


@full_precision
def global_loss(predicted: Tensor, target: Tensor) -> Tensor:
    r"""Compare two views of a face: RRL, Eq. 2.

    .. math:: L_{glo} = -\frac{\langle z_2^g, q(z_1^g) \rangle}{\|z_2^g\| \, \|q(z_1^g)\|}

    Parameters
    ----------
    predicted : Tensor float [B, m]
        :math:`q(z_1^g)` of one view by the online network.
    target : Tensor float [B, m]
        :math:`z_2^g` of the other view by the target network.

    Returns
    -------
    Tensor float []
        Mean over the batch; the minimum is -1.
    """
    return -cosine_similarity(predicted, target, dim=-1).mean()


@full_precision
def local_loss(predicted: Tensor, target: Tensor, whole: Tensor) -> Tensor:
    r"""Compare each unit's region in both views, and with the whole face: RRL, Eq. 3.

    .. math::
        L_{loc} = -\frac{1}{2K} \sum_k \left[
            \cos(q(z_1^k), g(t_k)) + \cos(g(t_k), q(z_1^g)) \right]

    Parameters
    ----------
    predicted : Tensor float [B, K, m]
        :math:`q(z_1^k)`.
    target : Tensor float [B, K, m]
        :math:`g(t_k)`.
    whole : Tensor float [B, m]
        :math:`q(z_1^g)`.

    Returns
    -------
    Tensor float []
        Mean over the batch; the minimum is -1.
    """
    same = cosine_similarity(predicted, target, dim=-1)
    part = cosine_similarity(target, whole[:, None], dim=-1)
    return -(same + part).mean() / 2


def transport_cost(relations: Tensor) -> Tensor:
    r"""Return the cost of moving one unit to another: RRL, Eq. 4, :math:`C_{ij} = 1 - M_{ij}`.

    `relations` and the result are float [K, K].
    """
    return 1 - relations


@full_precision
def marginals(units: Tensor, whole: Tensor) -> Tensor:
    r"""Return the weight of each unit in the face: RRL, Eq. 5, :math:`a_i = \max\{o_i^T t_g, 0\}`.

    The same function gives :math:`b_j` from :math:`t_j` and :math:`o_g`. Both sides of a transport
    must have the same sum, which the paper leaves open: the weights are scaled to a sum of 1, with
    a small minimum instead of 0, so that the sum is never 0.

    Parameters
    ----------
    units : Tensor float [B, K, d]
        Local vectors of one network.
    whole : Tensor float [B, d]
        Global vectors of the other.

    Returns
    -------
    Tensor float [B, K]
    """
    weights = (units.float() * whole.float()[:, None]).sum(dim=2).clamp(min=FLOOR)
    return weights / weights.sum(dim=1, keepdim=True)


@torch.no_grad()
@full_precision
def transport(cost: Tensor, supply: Tensor, demand: Tensor) -> Tensor:
    r"""Approximate the optimal transport plan by Sinkhorn-Knopp iterations: RRL, section 2.3.

    .. math:: \pi^* = \mathrm{diag}(u) \, e^{-C / \epsilon} \, \mathrm{diag}(v)

    with :math:`u` and :math:`v` fitted to rows and columns in turn. The plan weights pairs; no
    gradient flows through it.

    Parameters
    ----------
    cost : Tensor float [K, K]
        :math:`C`, 0 to 1.
    supply, demand : Tensor float [B, K]
        :math:`a` and :math:`b`, positive, of sum 1.

    Returns
    -------
    Tensor float [B, K, K]
        The columns sum to `demand`, the rows approximately to `supply`.
    """
    kernel = torch.exp(-cost.float() / EPSILON)[None]
    v = torch.ones_like(demand)
    for _ in range(ITERATIONS):
        u = supply / (kernel * v[:, None, :]).sum(dim=2)
        v = demand / (kernel * u[:, :, None]).sum(dim=1)
    return u[:, :, None] * kernel * v[:, None, :]


@full_precision
def correlation_loss(units: Tensor, target: Tensor, plan: Tensor) -> Tensor:
    r"""Compare related units across the views: RRL, Eq. 6.

    .. math:: L_{corr} = -\sum_i \sum_j \frac{o_i^T t_j}{\|o_i\| \, \|t_j\|} \pi^*_{ij}

    Parameters
    ----------
    units, target : Tensor float [B, K, d]
        Local vectors of the online and of the target network.
    plan : Tensor float [B, K, K]
        :math:`\pi^*`.

    Returns
    -------
    Tensor float []
        Mean over the batch; the minimum is -1.
    """
    similarity = cosine_similarity(units[:, :, None], target[:, None], dim=-1)
    return -(similarity * plan).sum(dim=(1, 2)).mean()


def overall_loss(losses: tuple[Tensor, ...], weights: tuple[float, ...]) -> Tensor:
    r"""Return RRL's Eq. 7: :math:`L = \alpha_1 L_{glo} + \alpha_2 L_{loc} + \alpha_3 L_{corr}`."""
    weighted = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
    return torch.stack(weighted).sum()
