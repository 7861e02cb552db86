# make font           builds fonts/llama.ttf and, without Wasm, fonts/llama-lite.ttf and .woff2
# make answer         builds fonts/smollm.ttf, a font that answers questions; downloads its model, 93 MB
# make content        lets the model tell anew what llama-lite is made of (an hour; goes on where it was)
# make games          builds the fonts that play: fonts/tetromino.ttf and others, see fonts/README.md
# make play           opens an editor with a game; GAME=maze, chess or gsub-maze for others
# make page           makes fonts/llama.html: the font in any browser, one file, nothing to install
# make site           makes build/site: a page for each font, for a web server such as GitHub Pages
# make test           builds the Wasm-enabled HarfBuzz (once) and runs the tests
# make editor         opens an editor that is installed (or EDITOR=kate), with the font chosen
# make test-editors   types into every editor that is installed, under Xvfb; says what is lacking
# make test-browsers  opens its page in Chromium, Firefox and WebKitGTK; says what is lacking
# make test-training  installs PyTorch and trains a tiny model, from text to font
# make model          trains the default model anew, from the text in corpus/ to its card, within HOURS=15;
#                     on a GPU within HOURS=0.2 RECIPES=model/recipes/gpu
# make verify         proves every token of the fonts against the references
# make record         makes the golden images anew, and the README's pictures
# make bench          measures the font beside onnxruntime, plain C and OpenType; chart in build/bench.png
# make bench-page     measures its page in Chromium, Firefox and WebKitGTK, beside the native host
# make lint           ruff, mypy, and import-linter: what may import what
# make wheel          what `pip install fontgen` installs
# make release        wheels of fontgen and of the host, for Linux on x86-64 and aarch64: nothing to compile for who has them
# make clean          removes what was built here (not the cached HarfBuzz: `fontgen host path` says where that is)
#
# Needs Python 3.10 or newer and nothing else: compilers and runtimes come as wheels, into .venv.

PYTHON ?= python3
BIN := .venv/bin
FONTS := fonts/llama.ttf
LITE := fonts/llama-lite.ttf fonts/llama-lite.woff2
GAMES := fonts/tetromino.ttf fonts/maze.ttf fonts/chess.ttf fonts/gsub-maze.ttf
GAME ?= tetromino
MODEL := model/model.safetensors model/config.json model/tokenizer.model
BROWSER := $(wildcard fontgen/host/browser/*.py fontgen/host/browser/*/*)
SOURCES := $(shell find wasm fontgen -name "*.[ch]" -o -name "*.py")

.PHONY: font games play answer content page site editor test test-editors test-browsers test-training model verify record bench bench-page lint wheel release clean
.DELETE_ON_ERROR:

font: $(FONTS) $(LITE)
	@echo "up to date: $(FONTS) $(LITE)"

fonts/%.ttf: fonts/%.toml $(MODEL) $(SOURCES) .venv/installed
	$(BIN)/fontgen build $<

games: $(GAMES)
	@echo "up to date: $(GAMES)"

play: fonts/$(GAME).ttf
	$(BIN)/fontgen editor --font $< $(if $(filter command line,$(origin EDITOR)),$(EDITOR))

answer: fonts/smollm.ttf

fonts/smollm.ttf: .venv/installed-checkpoints

fonts/llama-lite.ttf: model/content/content.json.xz

fonts/%.woff2: fonts/%.ttf .venv/installed
	$(BIN)/python -m fontTools.ttLib.woff2 compress -o $@ $<

# One thread: two that wait for each other on a busy machine take ten times as long over matrices as small as these.
content: .venv/installed
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/fontgen content model/content/recipe.toml --work build/content -o model/content/content.json.xz
	cd tests && ../$(BIN)/python -m editors.sheet

page: fonts/llama.html

fonts/%.html: fonts/%.ttf $(BROWSER)
	$(BIN)/fontgen page $< -o $@

site: font games
	$(BIN)/fontgen page $(FONTS) fonts/llama-lite.ttf $(GAMES) -o build/site/

test: font .venv/installed-test
	$(BIN)/fontgen host build
	$(BIN)/fontgen host build --browser
	$(BIN)/python -m pytest

# Not the shell's EDITOR, which is for terminals.
editor: font
	$(BIN)/fontgen editor $(if $(filter command line,$(origin EDITOR)),$(EDITOR))

test-editors: font .venv/installed-test
	$(BIN)/fontgen host build
	@cd tests && ../$(BIN)/python -m editors
	FONTGEN_TEST_EDITORS=1 $(BIN)/python -m pytest tests/editors -rs

test-browsers: font .venv/installed-test
	$(BIN)/fontgen host build
	@cd tests && ../$(BIN)/python -m browsers
	FONTGEN_TEST_BROWSERS=1 $(BIN)/python -m pytest tests/browsers -rs

test-training: font .venv/installed-test .venv/installed-train .venv/installed-hub .venv/installed-tensorboard
	$(BIN)/python -m pytest tests/model

model: .venv/installed-train
	$(BIN)/python -m model.make $(or $(HOURS),15) --recipes $(or $(RECIPES),model/recipes) --install

verify: font games
	$(BIN)/fontgen host build
	$(BIN)/fontgen verify fonts/llama.ttf
	$(BIN)/fontgen verify fonts/llama-lite.ttf
	for game in tetromino maze chess; do $(BIN)/fontgen verify fonts/$$game.ttf || exit 1; done

record: font games .venv/installed-test
	$(BIN)/fontgen host build
	$(BIN)/python -m pytest tests/text/test_golden.py tests/pictures/test_golden.py --record
	$(BIN)/fontgen render fonts/llama.ttf "The little fox!!!!!!!!!!!!!!!!!!!!!!!!!" -o fonts/llama.gif
	$(BIN)/fontgen render fonts/tetromino.ttf --size 14 --width 400 -o fonts/tetromino.gif \
	  "tetris(leaf):qddddxqdddxxaaaxqaaaxqdddddxaxqddddxdxqaaxqdddxqddddxqdddxqxaaxqdddxqddddxaxqaaaxqdxqddddd"
	$(BIN)/fontgen render fonts/maze.ttf --size 20 --width 440 -o fonts/maze.gif \
	  "maze(16x9,wilson,fox):?WWWWDWDSDSDSSDWDSDSSSDDWWWWWAWD"
	$(BIN)/fontgen render fonts/chess.ttf --size 28 --width 440 -o fonts/chess.gif \
	  "chess:e4 e5 Bc4 Nc6 Qh5 Nf6 Qxf7# mate"
	$(BIN)/fontgen render fonts/gsub-maze.ttf --shaper ot --size 18 --width 440 -o fonts/gsub-maze.gif \
	  "maze:wdwwwwawwdwawwddwdddsdsdwwdssdwwdsdw"

bench-page: font .venv/installed-test
	$(BIN)/fontgen host build
	@cd tests && ../$(BIN)/python -m bench.page ../fonts/llama.ttf

bench: .venv/installed
	$(BIN)/fontgen host build
	@mkdir -p build
	@cd tests && ../$(BIN)/python -m bench -o ../build/bench.png
	@cd tests && ../$(BIN)/python -m bench.lite ../fonts/llama-lite.ttf --capacity

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

release: .venv/installed-dev
	$(BIN)/python -m build --wheel --no-isolation
	$(BIN)/python -m fontgen.host.native.release

wheel: .venv/installed-dev
	$(BIN)/python -m build

# The build requirements first, once: an isolated build would fetch the compiler a second time.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "hatchling>=1.27" "editables>=0.5" setuptools wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[compiler]"
	@touch $@

.venv/installed-%: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[$*]"
	@touch $@

clean:
	rm -rf .venv $(FONTS) $(GAMES) fonts/*.html build dist tests/failures
