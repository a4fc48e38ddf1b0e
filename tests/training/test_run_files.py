import json

import pytest

from placevec.config import TrainConfig, changed, from_dict, to_dict
from placevec.training import run_files
from placevec.training.run_files import (
    check_run,
    clear_run,
    note_loss,
    noted_loss,
    read_history,
    run_locked,
    write_history,
)

pytestmark = pytest.mark.one_backend


@pytest.fixture
def config(tmp_path):
    return TrainConfig(out=tmp_path / "run")


def prepare_run(config):
    goes_on = check_run(config)
    if not goes_on:
        clear_run(config)
    return goes_on


def finish(config):
    (config.out / run_files.CHECKPOINT).write_text("state")


def test_records_the_settings(config):
    assert prepare_run(config) is False
    stored = json.loads((config.out / run_files.CONFIG).read_text())
    assert from_dict(TrainConfig, stored) == config
    assert stored == to_dict(config)


def test_refuses_to_overwrite_a_run(config):
    prepare_run(config)
    with pytest.raises(FileExistsError, match="--resume"):
        prepare_run(config)


def test_a_file_of_yours_stays_unless_it_may_be_replaced(config):
    config.out.mkdir()
    (config.out / "report.md").write_text("mine")
    with pytest.raises(FileExistsError, match="already has report.md. .*`--overwrite`"):
        check_run(config)
    assert check_run(changed(config, overwrite=True)) is False


def test_overwrites_its_own_files_only(config):
    prepare_run(config)
    finish(config)
    mine = config.out / "notes.txt"
    mine.write_text("keep")
    assert prepare_run(changed(config, overwrite=True)) is False
    assert mine.exists()
    assert not (config.out / run_files.CHECKPOINT).exists()


def test_goes_on_with_the_same_settings_and_more_epochs(config):
    prepare_run(config)
    finish(config)
    assert prepare_run(changed(config, resume=True, epochs=9)) is True


def test_goes_on_with_other_photos_to_test_with(config):
    prepare_run(config)
    finish(config)
    assert prepare_run(changed(config, resume=True, test="folder:other")) is True


def test_refuses_to_resume_where_there_is_no_run(config):
    with pytest.raises(FileNotFoundError, match="There is no training in"):
        check_run(changed(config, resume=True))


def test_begins_again_where_there_is_no_checkpoint_yet(config, caplog):
    prepare_run(config)
    assert check_run(changed(config, resume=True)) is False
    assert "begins again" in caplog.text


def test_refuses_to_go_on_with_other_settings(config):
    prepare_run(config)
    finish(config)
    other = changed(config, resume=True, learning_rate=0.5, image_size=(48, 64))
    with pytest.raises(ValueError) as caught:
        prepare_run(other)
    size = " ".join(map(str, config.image_size))
    assert f"`image_size` was {size} and is now 48 64" in str(caught.value)
    assert "`learning_rate` was not set and is now 0.5" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("[]", "must hold settings by name"),
        ('{"model": []}', "must hold settings by name"),
        ("[" * 100_000, "at most 100 levels"),
        ('{"epochs"', "must be JSON"),
    ],
)
def test_refuses_to_go_on_with_settings_that_cannot_be_read(config, text, match):
    prepare_run(config)
    finish(config)
    (config.out / run_files.CONFIG).write_text(text)
    with pytest.raises(ValueError, match=f"config.json .*so the run cannot be resumed .*{match}"):
        prepare_run(changed(config, resume=True))


def test_goes_on_with_a_run_of_an_earlier_version(config):
    prepare_run(config)
    finish(config)
    path = config.out / run_files.CONFIG
    settings = json.loads(path.read_text())
    del settings["flip_tuples"], settings["model"]["num_clusters"]
    settings["run_dir"] = settings.pop("out")  # as an earlier version calls it
    path.write_text(json.dumps(settings))
    assert prepare_run(changed(config, resume=True)) is True
    with pytest.raises(ValueError, match="`flip_tuples` was False and is now True"):
        prepare_run(changed(config, resume=True, flip_tuples=True))


def test_keeps_history_with_columns_that_come_later(tmp_path):
    rows = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "recall@1": 0.75}]
    write_history(tmp_path, rows)
    assert read_history(tmp_path) == [
        {"epoch": "1", "loss": "0.5", "recall@1": ""},
        {"epoch": "2", "loss": "0.4", "recall@1": "0.75"},
    ]


@pytest.mark.parametrize(
    "data", [b"epoch,loss\n1,2,3\n", b"epoch\n\xff\n", b'epoch\n"1', b"epoch\n" + b"1" * 200_000]
)
def test_refuses_a_damaged_history_in_one_line(tmp_path, data):
    (tmp_path / run_files.HISTORY).write_bytes(data)
    with pytest.raises(ValueError, match="history.csv cannot be read as a history") as caught:
        read_history(tmp_path)
    assert "\n" not in str(caught.value)


def test_has_no_history_at_first(tmp_path):
    assert read_history(tmp_path) == []


def test_refuses_more_epochs_where_the_step_size_falls_over_them(config):
    config = changed(config, cosine_decay=True)
    prepare_run(config)
    finish(config)
    with pytest.raises(ValueError, match="`epochs` was 4 and is now 99"):
        prepare_run(changed(config, resume=True, epochs=99))


def test_notes_the_loss_of_an_epoch_so_far_by_its_checkpoints_step(tmp_path):
    assert noted_loss(tmp_path, 3) is None
    note_loss(tmp_path, 3, 0.5)
    note_loss(tmp_path, 5, 0.25)  # a kill before the checkpoint of step 5 leaves that of step 3
    assert (noted_loss(tmp_path, 3), noted_loss(tmp_path, 5)) == (0.5, 0.25)
    assert noted_loss(tmp_path, 4) is None


@pytest.mark.parametrize("text", ["[]", '{"3": "low"}', "{"])
def test_refuses_damaged_losses_in_one_line(tmp_path, text):
    (tmp_path / run_files.UNFINISHED_EPOCH).write_text(text)
    with pytest.raises(ValueError, match="unfinished_epoch.json must"):
        noted_loss(tmp_path, 3)


def test_two_trainings_never_share_a_folder(config):
    with run_locked(config) as goes_on:
        assert goes_on is False
        other = changed(config, overwrite=True)
        with pytest.raises(BlockingIOError, match="Another process writes to .*run"):
            with run_locked(other):
                pass
        with run_locked(config, is_writer=False) as goes_on:  # a process of the same training
            assert goes_on is False
        clear_run(config)
    with pytest.raises(FileExistsError, match="--resume"), run_locked(config):
        pass


def test_a_refused_run_makes_no_folder(config):
    with pytest.raises(FileNotFoundError):
        with run_locked(changed(config, resume=True)):
            pass
    assert not config.out.exists()
