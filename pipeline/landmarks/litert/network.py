"""One network, run by LiteRT on one thread: processes share the cores, threads would not pay."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter


class Network:
    """A network with one input."""

    def __init__(self, model: bytes) -> None:
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        [given] = self._interpreter.get_input_details()
        self._input = self._interpreter.tensor(given["index"])
        outputs = self._interpreter.get_output_details()
        self._outputs = [self._interpreter.tensor(output["index"]) for output in outputs]

    def run(self, values: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> list[np.ndarray]:
        """Return the outputs, float32, for the input ``scale * values + offset``."""
        # No view of the network's memory may be alive while it runs.
        np.multiply(values, np.float32(scale), out=self._input()[0], casting="unsafe")
        if offset:
            self._input()[0] += np.float32(offset)
        self._interpreter.invoke()
        return [output().copy() for output in self._outputs]
