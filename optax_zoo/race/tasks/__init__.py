"""What optimizers are raced on: a registry of tasks whose data is made on the spot or ships in a package.

>>> from optax_zoo.race.tasks import create_task, list_tasks
>>> "quadratic_deep" in list_tasks()
True
>>> create_task("quadratic", condition=10.0).metric_name
'digits of accuracy'
"""

from optax_zoo.race.tasks.deep import deep_mlp
from optax_zoo.race.tasks.factorization import matrix_factors
from optax_zoo.race.tasks.images import digits_deep, digits_mlp, mnist5k_cnn
from optax_zoo.race.tasks.noise import with_gradient_noise, with_label_noise
from optax_zoo.race.tasks.online import reddi
from optax_zoo.race.tasks.quadratics import quadratic, quadratic_deep
from optax_zoo.race.tasks.registry import TaskEntry, create_task, describe_task, list_tasks, resolve_task, task, task_of
from optax_zoo.race.tasks.signals import mnist1d_cnn, mnist1d_mlp
from optax_zoo.race.tasks.tabular import friedman_mlp
from optax_zoo.race.tasks.text import char_lm
from optax_zoo.race.tasks.words import word_bags

__all__ = [
    "TaskEntry",
    "char_lm",
    "create_task",
    "deep_mlp",
    "describe_task",
    "digits_deep",
    "digits_mlp",
    "friedman_mlp",
    "list_tasks",
    "matrix_factors",
    "mnist1d_cnn",
    "mnist1d_mlp",
    "mnist5k_cnn",
    "quadratic",
    "quadratic_deep",
    "reddi",
    "resolve_task",
    "task",
    "task_of",
    "with_gradient_noise",
    "with_label_noise",
    "word_bags",
]
