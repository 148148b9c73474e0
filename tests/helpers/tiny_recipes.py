"""Settings by which each recipe trains on drawn faces in a second."""

from fmdata.train.recipes.base import RecipeSettings
from fmdata.train.recipes.encoder import EncoderSettings
from fmdata.train.recipes.landmarks import ExtractorSettings, LandmarkSettings
from fmdata.train.recipes.pcl import PclSettings
from fmdata.train.recipes.rrl import RrlSettings
from fmdata.train.recipes.smate import SmateSettings

EXTRACTOR = {"size": 32, "width": 0.125, "frames": 3, "epochs": 1, "steps": 2, "batch": 8}
TINY: dict[str, RecipeSettings] = {
    "landmarks": LandmarkSettings(**EXTRACTOR, task="expressions"),
    "encoder": EncoderSettings(landmarks=ExtractorSettings(**EXTRACTOR), epochs=1, steps=2),
    "smate": SmateSettings(size=16, frames=4, width=8, heads=2, epochs=1, batch=3),
    "pcl": PclSettings(
        size=16, width=0.1, projection=8, frames=3, batch=8, epochs=1, steps=2, probe_epochs=1
    ),
    "rrl": RrlSettings(
        units="disfa", frames=3, heads=1, hidden=8, projected=4, batch=8, epochs=1, steps=2,
        probe_epochs=1,
    ),
}  # fmt: skip
