"""The papers' published sizes: each network is built, without memory for its weights."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from fmdata.catalog.errors import ModelError
from fmdata.train.networks import swin
from fmdata.train.networks.initial import initialise
from fmdata.train.recipes import PAPER, RECIPES, recipe_named, settings_of
from fmdata.train.recipes.base import Recipe

pytestmark = pytest.mark.slow


def built(recipe: str, *assignments: str) -> Recipe:
    settings = settings_of(recipe, PAPER, assignments)
    with torch.device("meta"):
        return recipe_named(recipe)(settings, [f"c{i}" for i in range(7)])


def count(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def on_meta(*shape: int) -> Tensor:
    return torch.zeros(shape, device="meta")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_has_the_settings_of_its_paper(recipe: str) -> None:
    settings = settings_of(recipe, PAPER, ["seed=5"])
    assert settings.seed == 5
    assert settings != recipe_named(recipe).Settings(seed=5)
    built(recipe)


def test_smate_is_vivit_b() -> None:
    """The paper counts 171.45 million weights of ViViT-B/16 x 2: colour, and BERT's positions."""
    model = built("smate", "input=colour", "clips=original", "positions=bert").model
    assert count(model["transformer"]) == 171_455_232
    assert model["transformer"](on_meta(1, 25, 3, 224, 224)).shape == (1, 768)
    # Eight planes of texture in place of three colours, and no learnt positions.
    assert count(built("smate").model) == 171_455_232 + 5 * 768 * 512 - 13 * 768 + 769 * 7


@pytest.mark.parametrize("recipe", ["landmarks", "encoder", "subclips"])
def test_the_extractor_is_mobilefacenet(recipe: str) -> None:
    """0.937 million weights, and with a head of 68 landmarks 1.007."""
    made = built(recipe)
    landmarks = made.model if recipe == "landmarks" else made.model["landmarks"]
    assert count(landmarks["extractor"]) == 937_344
    assert count(landmarks) == 1_007_248
    assert landmarks["extractor"](on_meta(2, 3, 112, 112)).shape == (2, 512)
    if recipe != "landmarks":
        mask = torch.ones(2, 9, dtype=torch.bool, device="meta")
        assert made.model["sequence"](on_meta(2, 9, 512), mask).shape == (2, 128)


def test_rrl_has_swin_t() -> None:
    """Swin-T has 27,519,354 weights; here the grid has a norm too."""
    model = built("rrl").model
    backbone = model.online.backbone
    assert count(backbone) == 27_519_354 + 2 * 384
    grid, whole = backbone(on_meta(2, 3, 224, 224))
    assert (grid.shape, whole.shape) == ((2, 384, 14, 14), (2, 768))
    vectors = model.online(on_meta(2, 3, 224, 224), on_meta(2, 12, 14, 14))
    assert vectors.units.shape == (2, 12, 768)
    assert vectors.whole_projected.shape == (2, 256)


def test_without_transformers_swin_t_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swin, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"(?s)transformers.*fmdata\[swin\]"):
        built("rrl")


def test_pcl_has_2048_features() -> None:
    network = built("pcl").model.network
    assert (network.n_features, count(network.trunk)) == (2048, 1_809_728)
    assert count(network) == 16_231_875
    assert network.features(on_meta(3, 3, 64, 64)).shape == (3, 2048)


def test_the_documents_map_gives_smate_the_weights_of_a_vision_transformer(
    tmp_path: Path,
) -> None:
    """A small one, with the names and shapes of timm's; the classes and time keep their own."""
    page = (Path(__file__).parents[3] / "docs" / "sizes.md").read_text()
    (tmp_path / "keys.toml").write_text(page.split("```toml\n")[1].split("```")[0])
    width, layers = 8, 2
    theirs = {"cls_token": (1, 1, width), "pos_embed": (1, 1 + 16, width)}
    theirs |= {"patch_embed.proj.weight": (width, 3, 4, 4), "patch_embed.proj.bias": (width,)}
    sizes = {"attn.qkv": (24, 8), "attn.proj": (8, 8), "mlp.fc1": (32, 8), "mlp.fc2": (8, 32)}
    for i in range(layers):
        for name, (n_out, n_in) in sizes.items():
            theirs[f"blocks.{i}.{name}.weight"] = (n_out, n_in)
            theirs[f"blocks.{i}.{name}.bias"] = (n_out,)
        theirs |= {f"blocks.{i}.norm{k}.{w}": (8,) for k in (1, 2) for w in ("weight", "bias")}
    theirs |= {"norm.weight": (8,), "norm.bias": (8,), "head.weight": (10, 8)}
    tensors = {name: torch.randn(shape) for name, shape in theirs.items()}
    save_file(tensors, tmp_path / "vit.safetensors")
    sizes_of_ours = ["size=16", "patch=4", "width=8", "heads=2", "frames=4", "input=colour"]
    depths = [f"spatial_layers={layers}", "temporal_layers=1"]
    settings = settings_of("smate", None, [*sizes_of_ours, *depths])
    model = recipe_named("smate")(settings, ["a", "b"]).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    taken = initialise(model, tmp_path / "vit.safetensors", tmp_path / "keys.toml")
    assert len(taken) == 4 + 2 + layers * 12
    state = model.state_dict()
    weight = state["transformer.space.layers.1.self_attn.in_proj_weight"]
    assert torch.equal(weight, tensors["blocks.1.attn.qkv.weight"])
    assert torch.equal(
        state["transformer.tubes.weight"][:, :, 1], tensors["patch_embed.proj.weight"]
    )
    changed = {name for name in state if not torch.equal(state[name], before[name])}
    assert changed == set(taken)
    assert {n.split(".")[1] for n in state if n not in taken} >= {
        "time",
        "temporal_class",
        "weight",
    }


def test_the_settings_are_in_the_package() -> None:
    """They lie beside the recipes, as the wheel's list of files has them."""
    folder = Path(recipe_named.__code__.co_filename).with_name("papers")
    assert {path.stem for path in folder.glob("*.toml")} == set(RECIPES)
    listed = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert '"fmdata.train.recipes" = ["papers/*.toml"]' in listed
