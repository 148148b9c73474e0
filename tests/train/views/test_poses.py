"""Views of a pose: the changed and the unchanged properties."""

import torch

from fmdata.train.views.poses import mirrored, other_poses, random_crop, same_pose


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_first_other_pose_is_the_mirror_image_and_draws_nothing() -> None:
    images, drawn = torch.rand(3, 3, 8, 8, generator=generator()), generator()
    (first,) = other_poses(images, drawn, 1, 20)
    for column in range(8):
        assert torch.equal(first[..., column], images[..., 7 - column])
    assert torch.equal(mirrored(first), images)
    assert drawn.get_state().equal(generator().get_state())


def test_further_poses_are_rotated_and_half_of_them_mirrored() -> None:
    """A spot right of the middle turns by 15 to 30 degrees, or that from the left of it.

    So no further pose is the face's own, or the first one again.
    """
    size, n = 65, 100
    images = torch.zeros(n, 3, size, size)
    images[:, :, 31:34, 51:54] = 1  # 20 pixels from the middle
    poses = other_poses(images, generator(), 3, rotation=30)
    assert len(poses) == 3
    turned = torch.cat(poses[1:])[:, 0]
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    mass = turned.sum(dim=(1, 2))
    y = (turned * (rows - 32)).sum(dim=(1, 2)) / mass
    x = (turned * (columns - 32)).sum(dim=(1, 2)) / mass
    assert torch.allclose(torch.hypot(x, y), torch.tensor(20.0), atol=0.2)
    angle = torch.rad2deg(torch.atan2(y, x.abs())).abs()
    assert 14.9 < float(angle.min()) < 16
    assert 29 < float(angle.max()) < 30.1
    for share in ((x < 0), (y < 0)):
        assert 0.4 < float(share.float().mean()) < 0.6


def test_views_of_the_same_pose_do_not_move_the_face() -> None:
    """A bright half stays brighter than the dark one, or an edge lies at its border."""
    images = torch.full((60, 3, 16, 16), 0.3)
    images[..., 8:] = 0.8
    changed = same_pose(images, generator())
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    assert len({round(float(image.mean()), 4) for image in changed}) > 20
    light = changed.mean(dim=(1, 2))  # over rows and colours: a profile from left to right
    bright = light[:, 12:].mean(dim=1) - light[:, :4].mean(dim=1)
    border = light[:, 6:10].mean(dim=1) - light[:, [0, 1, 14, 15]].mean(dim=1)
    assert bool(((bright > 0.01) | (border > 0.1)).all())


def test_a_crop_is_a_part_of_the_image_enlarged() -> None:
    """The crop of a ramp is a less steep ramp, within the original's range, at a random place."""
    ramp = torch.linspace(0, 1, 32).expand(50, 3, 32, 32)
    crops = random_crop(ramp, generator(), min_area=0.25)
    steps = crops[:, 0, 16, 8:24].diff(dim=1) * 31
    assert torch.allclose(steps, steps[:, :1].expand_as(steps), atol=1e-3)
    assert 0.49 < float(steps.min()) < 0.6
    assert 0.9 < float(steps.max()) < 1.01
    assert float(crops.min()) >= 0
    assert float(crops[:, 0, 0, 0].std()) > 0.05


def test_a_view_depends_on_its_generator_alone() -> None:
    images = torch.rand(4, 3, 16, 16, generator=generator())
    for view in (same_pose, random_crop, lambda x, g: other_poses(x, g, 2, 20)[1]):
        assert torch.equal(view(images, generator()), view(images, generator()))
        assert not torch.equal(view(images, generator()), images)
