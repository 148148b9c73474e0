"""The losses of the papers, one function per equation."""

import torch
from torch import Tensor


def contrastive_loss(embeddings: Tensor, labels: Tensor, subjects: Tensor, margin: float) -> Tensor:
    r"""Contrastive loss of a mini-batch, over the pairs within each subject.

    Sun et al. 2022, Eq. 1 to 4, with :math:`y_{i,j} = 0` for two clips of one motion, else 1:

    .. math::
        S(i,j) &= v_i \cdot v_j \\
        L(i,j) &= (1 - y_{i,j}) (1 - S(i,j)) + y_{i,j} \max(0, S(i,j) - m_c) \\
        L &= \frac{1}{N} \sum_i \frac{1}{N-1} \sum_{j \ne i} L(i,j)

    A batch of several subjects is what the paper's text asks and its Eq. 2 leaves out: pairs
    across subjects do not count, and N - 1 is the number of clip i's partners. For a batch of one
    subject this is Eq. 2 to the letter.

    Parameters
    ----------
    embeddings : Tensor float [N, n]
        Of length 1 each.
    labels : Tensor int [N]
        Which motion; compared within a subject only.
    subjects : Tensor int [N]
        Who.
    margin : float
        :math:`m_c`, the similarity below which two motions are different enough.

    Returns
    -------
    Tensor float []
    """
    similarity = embeddings @ embeddings.T
    positive = labels[:, None] == labels[None, :]
    loss = torch.where(positive, 1 - similarity, (similarity - margin).clamp(min=0))
    pairs = subjects[:, None] == subjects[None, :]
    pairs = pairs & ~torch.eye(len(labels), dtype=torch.bool, device=pairs.device)
    partners = pairs.sum(dim=1)
    per_clip = (loss * pairs).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


def landmark_loss(predicted: Tensor, landmarks: Tensor) -> Tensor:
    """Mean absolute difference of landmarks, float [B, 68, 2] each; the unit is theirs."""
    return (predicted - landmarks).abs().mean()
