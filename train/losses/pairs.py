"""Losses over the pairs of a mini-batch, within each subject: Sun et al. 2022."""

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
    pairs, positive = _within(subjects, labels)
    loss = torch.where(positive, 1 - similarity, (similarity - margin).clamp(min=0))
    partners = pairs.sum(dim=1)
    per_clip = (loss * pairs).sum(dim=1) / partners.clamp(min=1)
    return per_clip.sum() / (partners > 0).sum().clamp(min=1)


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


def _within(subjects: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs are of one subject and two clips, and which show one motion: bool [N, N] each."""
    same = subjects[:, None] == subjects[None, :]
    pairs = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return pairs, labels[:, None] == labels[None, :]
