import { css } from 'lit'

/**
 * The design tokens. A page may set any `--entente-…` above the elements; these values are the defaults. Inside, elements use the short names.
 * Light and dark follow the inherited `color-scheme`.
 */
export const tokens = css`
  :host {
    --page: var(--entente-page, light-dark(#f5f5f1, #121418));
    --surface: var(--entente-surface, light-dark(#ffffff, #1a1d23));
    --sunken: var(--entente-sunken, light-dark(#f2f3f0, #22262e));
    --text: var(--entente-text, light-dark(#1b1f27, #e9ebef));
    --soft: var(--entente-text-soft, light-dark(#565e6c, #a7afbc));
    --line: var(--entente-line, light-dark(#e0e2dd, #323842));
    --edge: var(--entente-line-strong, light-dark(#8b93a0, #767f8e));
    --accent: var(--entente-accent, light-dark(#2a4bb0, #a3b7ff));
    --on-accent: var(--entente-on-accent, light-dark(#ffffff, #10142a));
    --tint: var(--entente-accent-soft, light-dark(#e9eefc, #262f4d));
    --ours: var(--entente-ours, light-dark(#2a4bb0, #a3b7ff));
    --theirs: var(--entente-theirs, light-dark(#8a4b08, #f2b56b));
    --theirs-soft: var(--entente-theirs-soft, light-dark(#fbf1e2, #362a1b));
    --good: var(--entente-good, light-dark(#1c6b3c, #7fd6a2));
    --good-soft: var(--entente-good-soft, light-dark(#e4f3e9, #1c3527));
    --warn: var(--entente-warn, light-dark(#7a5200, #efc465));
    --warn-soft: var(--entente-warn-soft, light-dark(#fcf2d8, #3a311a));
    --bad: var(--entente-bad, light-dark(#a8261c, #ff9d92));
    --bad-soft: var(--entente-bad-soft, light-dark(#fce9e7, #43211e));
    --focus: var(--entente-focus, light-dark(#2a4bb0, #c3d0ff));
    --radius: var(--entente-radius, 8px);
    --gap: var(--entente-gap, 12px);
    --row: var(--entente-row-height, 40px);
    --font: var(--entente-font, system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif);
    --mono: var(--entente-font-mono, ui-monospace, 'SF Mono', 'DejaVu Sans Mono', monospace);
    --size: var(--entente-font-size, 14px);
    --shadow: var(--entente-shadow, 0 8px 28px rgb(0 0 0 / 0.18));
    /* A page's rules for all elements reach an element's host, and what the host inherits reaches inside. Of important rules the inner one wins. */
    color: var(--text) !important;
    font: var(--size) / 1.45 var(--font) !important;
    letter-spacing: normal !important;
    text-align: start !important;
    text-indent: 0 !important;
    text-transform: none !important;
    white-space: normal !important;
    word-spacing: normal !important;
  }
  :host([density='compact']) {
    --row: var(--entente-row-height-compact, 30px);
    --gap: var(--entente-gap-compact, 8px);
    --size: var(--entente-font-size-compact, 13px);
  }
`
