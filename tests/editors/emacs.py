"""GNU Emacs, with GTK and cairo."""

from __future__ import annotations

from pathlib import Path

import fontgen.host.native

from .harness import Program, Session, Setting

FONTGEN_EL = Path(fontgen.host.native.__file__).parent / "fontgen.el"


class Emacs(Program):
    name = "Emacs"
    executable = "emacs"
    packages = ("emacs-gtk",)
    toolkit = "GTK 3, its own layout"
    suffix = ".text"  # Text mode asks for nothing
    margins = (0, 60, 0, 60)
    quiet = 0.8
    calls_per_key = 16  # it tries ends of the line, too
    # A PDF file is a picture of the frame.
    pdf_text = "shown"

    def command(self, setting: Setting) -> list[str]:
        """The keys are those of other programs, and every line is shaped as a whole, so that a
        story in letters is kerned like the same story in marks."""
        init = setting.write(
            "init.el",
            f'(load "{FONTGEN_EL}")\n'
            "(set-char-table-range composition-function-table '(?\\s . #x24F)\n"
            '  (list (vector ".+" 0 #\'fontgen-shape-line)))\n'
            f'(set-frame-font "{setting.family}-{setting.size:g}" nil t)\n'
            "(setq inhibit-startup-screen t ring-bell-function 'ignore cursor-type 'bar)\n"
            "(setq-default cursor-type 'bar)\n"
            "(setq-default mode-line-format nil)\n"
            "(blink-cursor-mode 0)\n"
            "(cua-mode 1)\n"
            '(global-set-key (kbd "C-a") #\'mark-whole-buffer)\n'
            '(global-set-key (kbd "C-S-z") #\'undo-redo)\n'
            '(global-set-key (kbd "<f5>") (lambda () (interactive)\n'
            "  (let ((coding-system-for-write 'binary)\n"
            "        (data (x-export-frames nil 'pdf)))\n"
            f'    (with-temp-file "{setting.home}/frame.pdf"\n'
            "      (set-buffer-multibyte nil) (insert data)))))\n",
        )
        return ["emacs", "-Q", "-l", str(init), str(setting.document)]

    def export_pdf(self, session: Session) -> Path:
        """Let Emacs draw its frame as PDF."""
        path = session.setting.home / "frame.pdf"
        path.unlink(missing_ok=True)
        session.key("F5")
        return session.wait_for_pdf(path)
