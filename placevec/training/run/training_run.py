"""The state of one training: begins or resumes it, trains epoch by epoch, and finishes it."""

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, cast

import keras
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from placevec.config import TrainConfig, to_dict
from placevec.evaluation import Evaluation, draw_matches, draw_recall
from placevec.images import PhotoCache
from placevec.models import build_descriptor_model, load_model, save_model
from placevec.places import PlaceDataset, TupleSampler
from placevec.progress import Progress
from placevec.training import run_files
from placevec.training.run.journal import keep_the_best, record
from placevec.training.run.photo_record import write_record
from placevec.training.run.report import write_report
from placevec.training.run.results import Training, recall_in_words, training_of
from placevec.training.run.stopping import Interrupted, StopEarly, StopRequest
from placevec.training.run.validation import Validation
from placevec.training.run_files import (
    clear_run,
    note_loss,
    noted_loss,
    read_history,
    write_history,
    write_json,
)
from placevec.training.start.cluster_use import cluster_use
from placevec.training.start.clusters import read_photos
from placevec.training.start.from_photos import start_from_photos
from placevec.training.start.whitening import whiten
from placevec.training.step.devices.devices import Devices
from placevec.training.step.distillation import start_descriptors
from placevec.training.step.fast_layers import speed_up
from placevec.training.step.feeding import feeding
from placevec.training.step.optimizer import averaged_weights, step_size
from placevec.training.step.tuple_model import (
    descriptor_of,
    load_tuple_model,
    make_tuple_model,
    steps_of,
)
from placevec.training.tuples.mining import Mined, Miner, is_due
from placevec.training.tuples.sampler import open_batches
from placevec.training.tuples.stream_batches import StreamSampler

_log = logging.getLogger(__name__)
_NUM_PHOTOS = 16
_PLOT_RANKS = (1, 2, 3, 4, 5, 10, 15, 20)


class TrainingRun:
    """A network, its optimizer and its progress. Call `begin` or `restore` first."""

    def __init__(
        self,
        config: TrainConfig,
        sampler: TupleSampler | StreamSampler,
        validation: PlaceDataset,
        test: PlaceDataset | None,
        changes: dict,
        progress: Progress,
        request: StopRequest,
        devices: Devices,
    ) -> None:
        self.config = config
        self.sampler = sampler
        self.test = test
        self.progress = progress
        self.changes = changes
        self.request = request
        self.devices = devices
        self.validation = Validation(config, validation, self._batch_settings, devices, progress)
        self.held = None

    def begin(self, photos: pa.Table) -> None:
        """Builds the network, measures it before the first step, and clears the run's folder."""
        config = self.config
        model = build_descriptor_model(config.model, config.image_size)
        start_from_photos(model, config, self.sampler.dataset)
        with self.devices.scope():
            self.tuple_model = make_tuple_model(self.devices.spread(model), config)
        self.parallel = self.devices.parallel(self.tuple_model)
        self._measure_untrained(descriptor_of(self.tuple_model))
        if self.devices.is_first:
            clear_run(config)
            write_record(config.out, photos)
            save_model(model, config.out / run_files.UNTRAINED)
            if not config.epochs:
                save_model(model, config.out / run_files.MODEL)

    def restore(self) -> None:
        """Loads the network, the optimizer and the step of the last checkpoint."""
        path = self.config.out / run_files.CHECKPOINT
        with self.devices.scope():
            self.tuple_model = load_tuple_model(path)
        self.parallel = self.devices.parallel(self.tuple_model)
        _log.info("resuming from %s after step %d", path, self._steps)
        if self.finished_epochs >= self.config.epochs:
            _log.info("nothing is left to train; raise `--epochs` to continue")
        rows = read_history(self.config.out)[: self.finished_epochs]
        if self.devices.is_first:
            write_json(self.config.out / run_files.CONFIG, to_dict(self.config))
            if rows:
                write_history(self.config.out, rows)
        untrained = self._load(run_files.UNTRAINED)
        speed_up(untrained)  # as when the training began, so that it gives the same to the last bit
        self._measure_untrained(untrained)

    @property
    def finished_epochs(self) -> int:
        """Number of finished epochs."""
        return self._steps // self.config.steps_per_epoch

    @property
    def _steps(self) -> int:
        return steps_of(self.tuple_model)

    def epoch(self, epoch: int) -> None:
        """Trains for one epoch or for the rest of it, then measures and saves."""
        config = self.config
        first_step = self._steps - epoch * config.steps_per_epoch
        mined = self._mine(epoch)
        if self.request:
            self._save_and_leave()
        batches = open_batches(
            self.sampler, self._batch_settings, **self.changes,
            flip_tuples=config.augment.flip_tuples, tuples=mined.tuples if mined else None,
            steps_per_epoch=config.steps_per_epoch, held=self.held,
        )  # fmt: skip
        num_steps = config.steps_per_epoch - first_step
        name = f"epoch {epoch + 1}/{config.epochs}"
        photos = batches.epoch(epoch, first_step)
        photos = self.progress(photos, total=num_steps, unit="step", desc=name)
        stop = StopEarly(self.request)
        start = time.perf_counter()
        with feeding(photos) as photos, self.devices.scope():
            logs = self.parallel.fit(
                photos,
                steps_per_epoch=num_steps,
                initial_epoch=epoch,
                epochs=epoch + 1,
                callbacks=[stop],
                shuffle=False,
                verbose=0,
            ).history
        seconds = time.perf_counter() - start
        if stop.bad_step is not None:
            self._refuse_bad_loss(epoch, first_step + stop.bad_step)
        loss = self._loss_since_begin(epoch, first_step, logs["loss"][0])
        if self._steps < (epoch + 1) * config.steps_per_epoch:
            if self.devices.is_first:
                note_loss(config.out, self._steps, loss)
            self._save_and_leave()
        num_photos = num_steps * config.batch_size * batches.tuple_size
        row = {
            "epoch": epoch + 1,
            "loss": loss,
            "photos_per_s": num_photos / seconds,
        }
        if mined:
            row["violating"] = mined.violating
            row["mining_share"] = mined.seconds / (mined.seconds + seconds)
        row["learning_rate"] = step_size(self.tuple_model.optimizer)
        with averaged_weights(self.tuple_model, config.optimizer):
            row |= self.validation.loss(self.parallel)
            row |= self._by_first(functools.partial(self._measure, epoch, row))
        if self.devices.is_first:
            record(config, epoch, row, self.tuple_model)
        if self.request:
            self._save_and_leave()

    def finish(self) -> Training | None:
        """Compares the best network with the untrained one and the last one, and draws pictures."""
        folder = self.config.out
        if self.config.whitening.is_given:
            self.devices.by_first(self._load(run_files.MODEL), self._whiten)
        after = self.devices.by_first(self._load(run_files.MODEL), self.validation.recall)
        tested = self._test()
        if not self.devices.is_first:
            return None
        curves = {"before": self.before, "after": after}
        training = training_of(self.config, curves, tested)
        write_json(folder / run_files.RECALL, training.recalls)
        draw_recall({k: each.recall_at(_PLOT_RANKS) for k, each in curves.items()},
                    folder / run_files.RECALL_PLOT)  # fmt: skip
        draw_matches(curves, folder / run_files.MATCHES, seed=self.config.seed)
        write_report(self.config, training.recalls, training.notes, self.validation.dataset.unit)
        return training

    def _test(self) -> dict[str, Evaluation]:
        """Measures the untrained and the best network on the test photos."""
        if self.test is None:
            return {}
        measure = functools.partial(self.validation.recall, dataset=self.test)
        files = {"test before": run_files.UNTRAINED, "test after": run_files.MODEL}
        return {k: self.devices.by_first(self._load(name), measure) for k, name in files.items()}

    @functools.cached_property
    def _few_photos(self) -> NDArray[np.uint8]:
        """A few training photos, (n, H, W, C) uint8, to measure the use of clusters on."""
        paths = self.sampler.dataset.paths()
        drawn = np.random.default_rng(self.config.seed).permutation(len(paths))
        photos = read_photos(
            [paths[row] for row in drawn[:_NUM_PHOTOS]],
            image_size=self.config.image_size,
            channels=self.config.model.channels,
            skip_unreadable=True,
        )
        return np.stack(list(photos))

    @functools.cached_property
    def _cache(self) -> PhotoCache | None:
        """Cache of decoded photos of training and validation."""
        max_bytes = self.config.computing.cache_mb * 2**20
        return PhotoCache(max_bytes) if max_bytes else None

    @property
    def _batch_settings(self) -> dict:
        config = self.config
        return {
            "image_size": config.image_size,
            "channels": config.model.channels,
            "batch_size": config.batch_size,
            "seed": config.seed,
            "skip_unreadable": config.skip_unreadable,
            "num_workers": config.computing.num_workers,
            "cache": self._cache,
            "share": (self.devices.process, self.devices.num_processes),
        }

    def _measure_untrained(self, model: keras.Model) -> None:
        self.before = self.devices.by_first(model, self.validation.recall)
        _log.info("before training: %s", recall_in_words(self.before.recall))
        for sentence in self.before.saturation():
            _log.warning("`validation` before training: %s", sentence)
        if self.config.loss.distillation and self.config.epochs:
            self._hold_to(model)

    def _hold_to(self, model: keras.Model) -> None:
        """Keeps the descriptors that self-distillation compares photos with."""

        def held(dataset: Any, mirrored: bool) -> NDArray[np.float32]:
            work = functools.partial(
                start_descriptors, dataset=dataset, mirrored=mirrored, progress=self.progress,
                image_size=self.config.image_size, describe_photos=self.devices.describe,
            )  # fmt: skip
            return self.devices.by_first(model, work)

        self.held = held(self.sampler.dataset, self.config.augment.flip_tuples)
        self.validation.hold_to(functools.partial(held, mirrored=False))

    def _load(self, name: str) -> keras.Model:
        with self.devices.scope():
            return load_model(self.config.out / name)

    def _whiten(self, model: keras.Model) -> None:
        """Appends whitening to the best network. A resumed training does it again."""
        whiten(
            model,
            cast(PlaceDataset, self.sampler.dataset),  # a stream has the same `paths`
            self.config.whitening.dim,
            out=self.config.out / run_files.MODEL,
            overwrite=True,
            rank=self.config.whitening.rank,
            augmentation=self.config.whitening.augmentation,
            power=self.config.whitening.power,
            image_size=self.config.image_size,
            skip_unreadable=self.config.skip_unreadable,
            seed=self.config.seed,
            progress=self.progress,
        )

    def _mine(self, epoch: int) -> Mined | None:
        if self.config.mining.mining == "random":
            return None
        config = self.config
        miner = Miner(
            config.mining,
            cast(TupleSampler, self.sampler),  # a stream refuses to mine
            run_dir=config.out,
            image_size=config.image_size,
            skip_unreadable=config.skip_unreadable,
            seed=config.seed,
            margin=config.loss.squared_margin,
            progress=self.progress,
            describe_photos=self.devices.describe,
        )
        count = config.batch_size * config.steps_per_epoch
        due = is_due(config.mining, config.optimizer, epoch)
        # Before its first step the network gives what self-distillation has noted.
        described = self.held[0] if epoch == 0 and self.held is not None else None
        return self._by_first(
            lambda model: miner.mine(model, epoch, count=count, is_due=due, described=described)
        )

    def _by_first(self, work: Callable[[keras.Model], Any]) -> Any:
        return self.devices.by_first(descriptor_of(self.tuple_model), work)

    def _measure(self, epoch: int, row: dict[str, float], model: keras.Model) -> dict[str, float]:
        """Measures the use of clusters and, if due, recall, and keeps the best network."""
        config = self.config
        results = cluster_use(model, self._few_photos)
        if (epoch + 1) % config.validate_every == 0 or epoch + 1 == config.epochs:
            evaluation = self.validation.recall(model)
            results |= {f"recall@{rank}": share for rank, share in evaluation.recall.items()}
        keep_the_best(config, epoch, row | results, descriptor_of(self.tuple_model))
        return results

    def _loss_since_begin(self, epoch: int, first_step: int, loss: float) -> float:
        """Returns the mean loss of an epoch so far, given the mean loss since it was resumed."""
        if first_step == 0:
            return loss
        begin = epoch * self.config.steps_per_epoch
        before = noted_loss(self.config.out, begin + first_step)
        if before is None:
            _log.warning("The loss of epoch %d only covers its steps since the resume", epoch + 1)
            return loss
        num_steps = self._steps - begin
        return (first_step * before + (num_steps - first_step) * loss) / num_steps

    def _save_and_leave(self) -> None:
        if self.devices.is_first:
            save_model(self.tuple_model, self.config.out / run_files.CHECKPOINT)
        raise Interrupted(
            f"Stopped after step {self._steps} and saved. Continue with `--resume`",
            cast(int, self.request.number),
        )

    def _refuse_bad_loss(self, epoch: int, step: int) -> None:
        kept = self.config.out / run_files.CHECKPOINT
        state = f"the last good state is kept in {kept}" if kept.exists() else "nothing was saved"
        raise FloatingPointError(
            f"The loss was NaN or infinite in step {step + 1} of epoch {epoch + 1}; {state}. "
            "Try a smaller `--learning-rate`"
        )
