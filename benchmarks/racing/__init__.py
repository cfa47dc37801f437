"""The parts of the race: environments, workloads, workers, the check, the floor, the report."""
