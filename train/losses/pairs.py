"""Losses over the pairs of a mini-batch, within each subject: Sun et al. 2022 and 2023.

The mini-batch of the 2022 losses is that of all processes together: each process gives its own
clips and gets the loss of all of them.
"""

import torch
from torch import Tensor, nn

from fmdata.train.distributed import gathered
from fmdata.train.losses.precision import full_precision


@full_precision
def contrastive_loss(embeddings: Tensor, labels: Tensor, subjects: Tensor, margin: float) -> Tensor:
    r"""Return the contrastive loss of a mini-batch, over the pairs within each subject.

    Sun et al. 2022, Eq. 1 to 4, with :math:`y_{i,j} = 0` for two clips of one motion, else 1:

    .. math::
        S(i,j) &= v_i \cdot v_j \\
        L(i,j) &= (1 - y_{i,j}) (1 - S(i,j)) + y_{i,j} \max(0, S(i,j) - m_c) \\
        L &= \frac{1}{N} \sum_i \frac{1}{N-1} \sum_{j \ne i} L(i,j)

    The paper's text describes batches of several subjects, which its Eq. 2 does not cover: here
    pairs across subjects do not count, and N - 1 is the number of clip i's partners. For a batch
    of one subject this is exactly Eq. 2.

    Parameters
    ----------
    embeddings : Tensor float [N, n]
        Rows of length 1.
    labels : Tensor int [N]
        Motion of each clip, compared within a subject only.
    subjects : Tensor int [N]
        Subject of each clip.
    margin : float
        :math:`m_c`, the similarity below which two motions are different enough.

    Returns
    -------
    Tensor float []
    """
    embeddings, labels, subjects = map(gathered, (embeddings, labels, subjects))
    similarity = embeddings @ embeddings.T
    pairs, positive = _within(subjects, labels)
    loss = torch.where(positive, 1 - similarity, (similarity - margin).clamp(min=0))
    partners = pairs.sum(dim=1)
    per_clip = (loss * pairs).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


@full_precision
def n_pair_loss(embeddings: Tensor, labels: Tensor, subjects: Tensor, temperature: float) -> Tensor:
    r"""Return the N-pair loss of a mini-batch, over the pairs within each subject.

    Sun et al. 2022, Eq. 5 and 6, with :math:`P` the other clips of clip i's motion:

    .. math::
        L(i,j) &= -\log \frac{\exp(S(i,j)/\tau)}{\sum_{k \ne i} \exp(S(i,k)/\tau)} \\
        L &= \frac{1}{N} \sum_i \frac{1}{|P|} \sum_{j \in P} L(i,j)

    As in :func:`contrastive_loss`, k is restricted to clip i's subject. A clip without a positive
    partner does not count, not even in N.

    Parameters
    ----------
    embeddings : Tensor float [N, n]
        Rows of length 1.
    labels, subjects : Tensor int [N]
        Motion and subject of each clip.
    temperature : float
        :math:`\tau`.

    Returns
    -------
    Tensor float []
    """
    embeddings, labels, subjects = map(gathered, (embeddings, labels, subjects))
    pairs, positive = _within(subjects, labels)
    positive = positive & pairs
    logits = (embeddings @ embeddings.T / temperature).masked_fill(~pairs, -torch.inf)
    # A clip without any partner has no denominator; its row is excluded below.
    alone = ~pairs.any(dim=1, keepdim=True)
    log_share = logits - logits.masked_fill(alone, 0).logsumexp(dim=1, keepdim=True)
    partners = positive.sum(dim=1)
    per_clip = -log_share.masked_fill(~positive, 0).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


@full_precision
def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    r"""Return the distances of vectors, float [P, n] each: float [P], 0 to 2.

    Sun et al. 2023, Eq. 1: :math:`d(i,j) = 1 - v_i \cdot v_j / (\|v_i\| \|v_j\|)`.
    """
    return 1 - nn.functional.cosine_similarity(first, second, dim=1)


def two_margin_loss(
    distance: Tensor, positive: Tensor, positive_margin: float, negative_margin: float
) -> Tensor:
    r"""Return the contrastive loss of independently drawn pairs, half of them positive.

    Sun et al. 2023, Eq. 2 and 3, with :math:`y_{i,j} = 1` for two clips of one motion, else 0:

    .. math::
        L(i,j) &= y_{i,j} \max(d(i,j) - m_p, 0) + (1 - y_{i,j}) \max(m_n - d(i,j), 0) \\
        L &= \frac{1}{2N} \sum_i L_i

    Parameters
    ----------
    distance : Tensor float [2N]
        :func:`cosine_distance` of the clips of each pair.
    positive : Tensor bool [2N]
        True where both clips show one motion.
    positive_margin, negative_margin : float
        :math:`m_p`, the tolerated distance between two clips of one motion, and :math:`m_n`, the
        sufficient distance between two motions.

    Returns
    -------
    Tensor float []
    """
    far = (distance - positive_margin).clamp(min=0)
    near = (negative_margin - distance).clamp(min=0)
    return torch.where(positive, far, near).mean()


def _within(subjects: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return masks of the pairs of one subject and of the pairs of one motion, bool [N, N]."""
    same = subjects[:, None] == subjects[None, :]
    pairs = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return pairs, labels[:, None] == labels[None, :]
