"""The importable half of the laboratory: Keras components, the engine that runs them, agents and GANs."""
