;;; fontgen.el --- Gives HarfBuzz the lines that tell stories  -*- lexical-binding: t -*-

;; Emacs shapes a character by itself unless `composition-function-table' says what it belongs to.
;; After (load "fontgen.el"), a line up to its last run of four or more exclamation marks is shaped as
;; a whole.  Nothing else changes, and only fonts with a Wasm table show a story.

;;; Code:

(require 'composite)

(defun fontgen-shape-line (gstring direction)
  "Shape GSTRING in DIRECTION as a line with generated text.
Emacs draws a blank for each character that shows nothing, such as the first marks of a run:
here such characters belong to the next one that shows something."
  ;; GSTRING is used again for every text, and where this one has more glyphs than characters, the
  ;; ones behind those would keep the adjustments of another text.
  (let ((i (lgstring-char-len gstring)))
    (while (< i (lgstring-glyph-len gstring))
      (lgstring-set-glyph gstring i nil)
      (setq i (1+ i))))
  (let* ((shaped (font-shape-gstring gstring direction))
         (length (if shaped (lgstring-glyph-len shaped) 0))
         (hidden nil))
    (dotimes (i length)
      (let ((glyph (lgstring-glyph shaped i)))
        (cond
         ((not glyph))
         ((equal (lglyph-adjustment glyph) [0 0 0])
          (push glyph hidden))
         (hidden
          (let ((first (lglyph-from (car (last hidden))))
                (from (lglyph-from glyph))
                (to (lglyph-to glyph))
                (j i))
            (dolist (each hidden)
              (lglyph-set-from-to each first to))
            (while (and glyph (= (lglyph-from glyph) from))
              (lglyph-set-from-to glyph first to)
              (setq j (1+ j)
                    glyph (and (< j length) (lgstring-glyph shaped j))))
            (setq hidden nil))))))
    shaped))

(set-char-table-range composition-function-table '(?\s . #x24F)
                      (list (vector "[^\n]*!!!!+[!?]*" 0 #'fontgen-shape-line)))

(provide 'fontgen)
;;; fontgen.el ends here
