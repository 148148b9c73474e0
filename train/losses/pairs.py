"""Losses over the pairs of a mini-batch, within each subject: Sun et al. 2022 and 2023."""

import torch
from torch import Tensor, nn

from fmdata.train.losses.precision import full_precision


@full_precision
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
    pairs, positive = _within(subjects, labels)
    loss = torch.where(positive, 1 - similarity, (similarity - margin).clamp(min=0))
    partners = pairs.sum(dim=1)
    per_clip = (loss * pairs).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


@full_precision
def n_pair_loss(embeddings: Tensor, labels: Tensor, subjects: Tensor, temperature: float) -> Tensor:
    r"""N-pair loss of a mini-batch, over the pairs within each subject.

    Sun et al. 2022, Eq. 5 and 6, with :math:`P` the clips of clip i's motion but itself:

    .. math::
        L(i,j) &= -\log \frac{\exp(S(i,j)/\tau)}{\sum_{k \ne i} \exp(S(i,k)/\tau)} \\
        L &= \frac{1}{N} \sum_i \frac{1}{|P|} \sum_{j \in P} L(i,j)

    As in :func:`contrastive_loss`, k goes over clip i's own subject; a clip without a positive
    partner counts for nothing, in N either.

    Parameters
    ----------
    embeddings : Tensor float [N, n]
        Of length 1 each.
    labels, subjects : Tensor int [N]
        Which motion, and who.
    temperature : float
        :math:`\tau`.

    Returns
    -------
    Tensor float []
    """
    pairs, positive = _within(subjects, labels)
    positive = positive & pairs
    logits = (embeddings @ embeddings.T / temperature).masked_fill(~pairs, -torch.inf)
    # A clip without any partner has no denominator; its row is left out below.
    alone = ~pairs.any(dim=1, keepdim=True)
    log_share = logits - logits.masked_fill(alone, 0).logsumexp(dim=1, keepdim=True)
    partners = positive.sum(dim=1)
    per_clip = -log_share.masked_fill(~positive, 0).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


@full_precision
def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    r"""Distance of vectors, float [P, n] each: float [P], 0 to 2.

    Sun et al. 2023, Eq. 1: :math:`d(i,j) = 1 - v_i \cdot v_j / (\|v_i\| \|v_j\|)`.
    """
    return 1 - nn.functional.cosine_similarity(first, second, dim=1)


def two_margin_loss(
    distance: Tensor, positive: Tensor, positive_margin: float, negative_margin: float
) -> Tensor:
    r"""Contrastive loss of pairs that were drawn one by one, half of them positive.

    Sun et al. 2023, Eq. 2 and 3, with :math:`y_{i,j} = 1` for two clips of one motion, else 0:

    .. math::
        L(i,j) &= y_{i,j} \max(d(i,j) - m_p, 0) + (1 - y_{i,j}) \max(m_n - d(i,j), 0) \\
        L &= \frac{1}{2N} \sum_i L_i

    Parameters
    ----------
    distance : Tensor float [2N]
        Of the clips of each pair, :func:`cosine_distance`.
    positive : Tensor bool [2N]
        Whether both clips show one motion.
    positive_margin, negative_margin : float
        :math:`m_p`, the distance that is tolerated between two clips of one motion, and
        :math:`m_n`, the one that is enough between two motions.

    Returns
    -------
    Tensor float []
    """
    far = (distance - positive_margin).clamp(min=0)
    near = (negative_margin - distance).clamp(min=0)
    return torch.where(positive, far, near).mean()


def _within(subjects: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs are of one subject and two clips, and which show one motion: bool [N, N] each."""
    same = subjects[:, None] == subjects[None, :]
    pairs = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return pairs, labels[:, None] == labels[None, :]
