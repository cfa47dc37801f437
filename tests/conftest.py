"""How hypothesis draws: the same examples in every run, unless a profile says otherwise.

pytest --hypothesis-profile=explore draws new and more examples; the fault drill
(tests/mutants.py) uses the third, which reports a failure without first making it small.
"""

from hypothesis import Phase, settings

settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", max_examples=2000, deadline=None, database=None)
settings.register_profile(
    "drill", derandomize=True, deadline=None, database=None, phases=[Phase.generate]
)
settings.load_profile("ci")
