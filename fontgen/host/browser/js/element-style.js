// What <wasm-font-text> is made of, and its style: a constructed sheet, because a strict Content-Security-Policy forbids
// <style>.

export const MARKUP = `
  <div class="surface" part="surface"><svg part="text" aria-hidden="true"></svg><div class="caret" part="caret"></div>
  <div class="handle"></div><div class="handle"></div></div>
  <textarea autocapitalize="sentences" spellcheck="false" wrap="off" rows="1" aria-describedby="story"></textarea>
  <div class="unseen" id="story"></div><div class="unseen" role="status" aria-live="polite"></div>`;

const CSS = `
:host { display: block; position: relative; font-size: 32px; line-height: normal; cursor: text; min-height: 1.3em;
  -webkit-tap-highlight-color: transparent; }
:host([hidden]) { display: none; }
:host([disabled]) { opacity: .6; cursor: default; }
.surface { position: relative; }
.surface.empty::before { content: attr(data-placeholder); position: absolute; opacity: .55; pointer-events: none; }
svg { display: block; width: 100%; overflow: visible; user-select: none; -webkit-user-select: none; }
.glyphs { fill: currentColor; }
.selection rect { fill: Highlight; opacity: .35; }
.composing line { stroke: currentColor; }
.tokens rect { opacity: .25; }
.token0 { fill: #e4572e; } .token1 { fill: #29a19c; } .token2 { fill: #f3a712; }
.multiply { mix-blend-mode: multiply; } .screen { mix-blend-mode: screen; } .overlay { mix-blend-mode: overlay; }
.darken { mix-blend-mode: darken; } .lighten { mix-blend-mode: lighten; } .hue { mix-blend-mode: hue; }
.color-dodge { mix-blend-mode: color-dodge; } .color-burn { mix-blend-mode: color-burn; }
.hard-light { mix-blend-mode: hard-light; } .soft-light { mix-blend-mode: soft-light; }
.difference { mix-blend-mode: difference; } .exclusion { mix-blend-mode: exclusion; }
.saturation { mix-blend-mode: saturation; } .color { mix-blend-mode: color; } .luminosity { mix-blend-mode: luminosity; }
.plus { mix-blend-mode: plus-lighter; }
.isolate { isolation: isolate; }
.caret { position: absolute; width: 2px; margin-left: -1px; background: currentColor; visibility: hidden;
  pointer-events: none; }
:host([focused]) .caret:not(.off) { visibility: visible; }
.handle { position: absolute; width: 22px; height: 22px; margin-left: -11px; border-radius: 50% 50% 50% 50%; display: none;
  background: Highlight; border: 2px solid Canvas; box-sizing: border-box; touch-action: none; }
.handle::before { content: ""; position: absolute; inset: -12px; } /* as large as a finger */
:host([handles]) .handle { display: block; }
/* Input methods and screen magnifiers find it at the caret. 16px: smaller ones make iOS zoom in. */
textarea { position: absolute; width: 2em; height: 1.2em; padding: 0; border: 0; outline: 0; resize: none;
  overflow: hidden; opacity: 0; caret-color: transparent; font: 16px monospace; white-space: pre; pointer-events: none; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: pre-wrap; }
@media (forced-colors: active) {
  .tokens rect { fill: none; stroke: CanvasText; stroke-width: 20; opacity: 1; }
  .selection rect { opacity: .6; }
}
@media print { .caret, .handle, .selection { display: none !important; } }
`;

export const sheet = new CSSStyleSheet();
sheet.replaceSync(CSS);
