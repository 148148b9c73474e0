"""InfoNCE: contrast of a clip's twin with the other clips (van den Oord et al. 2018)."""

import torch
from torch import Tensor, nn

from fmdata.train.distributed import gathered
from fmdata.train.losses.precision import full_precision


@full_precision
def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    r"""Return the symmetric InfoNCE of twins: each side selects the other.

    Sun et al. 2023, section 3.3, names the loss and prints no equation. With :math:`S` the cosine
    similarity and :math:`u_i, v_i` the two views of clip i:

    .. math::
        L = -\frac{1}{2M} \sum_i \left(
            \log \frac{\exp(S(u_i, v_i) / \tau)}{\sum_k \exp(S(u_i, v_k) / \tau)} +
            \log \frac{\exp(S(v_i, u_i) / \tau)}{\sum_k \exp(S(v_i, u_k) / \tau)} \right)

    Parameters
    ----------
    first, second : Tensor float [M, n]
        Views of M distinct clips; twins have the same row. M counts those of all processes.
    temperature : float
        :math:`\tau`.

    Returns
    -------
    Tensor float []
        log M where all clips are alike.
    """
    first, second = gathered(first), gathered(second)
    u, v = nn.functional.normalize(first, dim=1), nn.functional.normalize(second, dim=1)
    similarity = u @ v.T / temperature
    twin = torch.arange(len(u), device=u.device)
    there = nn.functional.cross_entropy(similarity, twin)
    return (there + nn.functional.cross_entropy(similarity.T, twin)) / 2
