"""Losses of regions and their relations: RRL (2023), Eq. 2 to 7, one function an equation.

What the online network returns carries gradients, what the target network returns does not.
"""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from fmdata.train.losses.precision import full_precision

EPSILON = 0.05  # entropy of the transport, and its iterations: SwAV's, for the paper gives none
ITERATIONS = 3
FLOOR = 1e-3  # of a marginal before scaling; a unit must not vanish, nor all of them


@full_precision
def global_loss(predicted: Tensor, target: Tensor) -> Tensor:
    r"""Two views of one face, alike: RRL, Eq. 2.

    .. math:: L_{glo} = -\frac{\langle z_2^g, q(z_1^g) \rangle}{\|z_2^g\| \, \|q(z_1^g)\|}

    Parameters
    ----------
    predicted : Tensor float [B, m]
        :math:`q(z_1^g)`, of the one view by the online network.
    target : Tensor float [B, m]
        :math:`z_2^g`, of the other view by the target network.

    Returns
    -------
    Tensor float []
        Mean over the batch, -1 at best.
    """
    return -cosine_similarity(predicted, target, dim=-1).mean()


@full_precision
def local_loss(predicted: Tensor, target: Tensor, whole: Tensor) -> Tensor:
    r"""Each unit's region alike in both views, and like the whole face: RRL, Eq. 3.

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
        Mean over the batch, -1 at best.
    """
    same = cosine_similarity(predicted, target, dim=-1)
    part = cosine_similarity(target, whole[:, None], dim=-1)
    return -(same + part).mean() / 2


def transport_cost(relations: Tensor) -> Tensor:
    r"""Cost of moving one unit to another: RRL, Eq. 4, :math:`C_{ij} = 1 - M_{ij}`.

    `relations` and the result are float [K, K].
    """
    return 1 - relations


@full_precision
def marginals(units: Tensor, whole: Tensor) -> Tensor:
    r"""How much of the face each unit is: RRL, Eq. 5, :math:`a_i = \max\{o_i^T t_g, 0\}`.

    The same for :math:`b_j` of :math:`t_j` and :math:`o_g`. Both sides of a transport must hold as
    much, which the paper leaves open: the weights are scaled to a sum of 1, after a small floor
    has taken the place of 0, so that there is something to scale.

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
    r"""Cheapest plan from supply to demand, nearly, by Sinkhorn and Knopp: RRL, section 2.3.

    .. math:: \pi^* = \mathrm{diag}(u) \, e^{-C / \epsilon} \, \mathrm{diag}(v)

    with :math:`u` and :math:`v` fitted to rows and columns in turn. The plan weighs pairs and is
    not learnt through, hence no gradient.

    Parameters
    ----------
    cost : Tensor float [K, K]
        :math:`C`, 0 to 1.
    supply, demand : Tensor float [B, K]
        :math:`a` and :math:`b`, positive, of sum 1.

    Returns
    -------
    Tensor float [B, K, K]
        Its columns sum to `demand`, its rows nearly to `supply`.
    """
    kernel = torch.exp(-cost.float() / EPSILON)[None]
    v = torch.ones_like(demand)
    for _ in range(ITERATIONS):
        u = supply / (kernel * v[:, None, :]).sum(dim=2)
        v = demand / (kernel * u[:, :, None]).sum(dim=1)
    return u[:, :, None] * kernel * v[:, None, :]


@full_precision
def correlation_loss(units: Tensor, target: Tensor, plan: Tensor) -> Tensor:
    r"""Units that go together, alike: RRL, Eq. 6.

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
        Mean over the batch, -1 at best.
    """
    similarity = cosine_similarity(units[:, :, None], target[:, None], dim=-1)
    return -(similarity * plan).sum(dim=(1, 2)).mean()


def overall_loss(losses: tuple[Tensor, ...], weights: tuple[float, ...]) -> Tensor:
    r"""RRL, Eq. 7: :math:`L = \alpha_1 L_{glo} + \alpha_2 L_{loc} + \alpha_3 L_{corr}`."""
    weighted = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
    return torch.stack(weighted).sum()
