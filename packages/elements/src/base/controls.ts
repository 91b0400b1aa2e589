import { css } from 'lit'

/** The styles of native controls, notices and tables in every element. */
export const controls = css`
  :host {
    display: block !important;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  h2,
  h3,
  h4,
  p,
  ul,
  ol,
  dl,
  dd,
  fieldset {
    margin: 0;
    padding: 0;
    border: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h2 {
    font-size: 1.3em;
    font-weight: 650;
    line-height: 1.25;
  }
  h3 {
    font-size: 1.07em;
    font-weight: 650;
  }
  button,
  input,
  select,
  textarea {
    font: inherit;
    color: inherit;
  }
  button,
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 6px;
    min-height: 34px;
    padding: 4px 13px;
    border: 1px solid var(--edge);
    border-radius: calc(var(--radius) - 2px);
    background: var(--surface);
    font-weight: 550;
    text-decoration: none;
    color: var(--text);
    cursor: pointer;
  }
  :host([density='compact']) button,
  :host([density='compact']) .button {
    min-height: 28px;
    padding: 2px 10px;
  }
  button:hover:not(:disabled) {
    background: var(--sunken);
  }
  button.primary {
    border-color: var(--accent);
    background: var(--accent);
    color: var(--on-accent);
  }
  button.primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--accent) 86%, var(--text));
  }
  button.danger {
    border-color: var(--bad);
    color: var(--bad);
  }
  button.quiet {
    border-color: transparent;
    background: transparent;
    color: var(--accent);
  }
  button.quiet.danger {
    color: var(--bad);
  }
  button.quiet:hover:not(:disabled) {
    background: var(--tint);
  }
  button:disabled {
    border-color: var(--line);
    background: var(--sunken);
    color: var(--soft);
    cursor: not-allowed;
  }
  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  input:not([type='checkbox'], [type='radio'], [type='file']),
  select,
  textarea {
    min-height: 34px;
    width: 100%;
    padding: 4px 9px;
    border: 1px solid var(--edge);
    border-radius: calc(var(--radius) - 2px);
    background: var(--surface);
  }
  :host([density='compact']) input:not([type='checkbox'], [type='radio'], [type='file']),
  :host([density='compact']) select {
    min-height: 28px;
    padding: 2px 7px;
  }
  textarea {
    min-height: 74px;
    resize: vertical;
  }
  select:disabled,
  input:disabled {
    border-color: var(--line);
    color: var(--soft);
    background: var(--sunken);
  }
  [aria-invalid='true'] {
    border-color: var(--bad) !important;
  }
  input[type='checkbox'],
  input[type='radio'] {
    width: 17px;
    height: 17px;
    margin: 0;
    accent-color: var(--accent);
  }
  input[type='file'] {
    min-width: 0;
    max-width: 100%;
  }
  label {
    font-weight: 550;
  }
  .check {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    font-weight: 400;
  }
  .soft {
    color: var(--soft);
  }
  .small {
    font-size: 0.9em;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--gap);
  }
  .stack {
    display: grid;
    gap: var(--gap);
    justify-items: stretch;
  }
  .spread {
    justify-content: space-between;
  }
  .card {
    padding: calc(var(--gap) * 1.2);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }
  .badge {
    display: inline-flex;
    align-items: center;
    gap: 5px;
    padding: 1px 9px;
    border-radius: 99px;
    background: var(--sunken);
    color: var(--soft);
    font-size: 0.88em;
    font-weight: 550;
    white-space: nowrap;
  }
  .badge.good {
    background: var(--good-soft);
    color: var(--good);
  }
  .badge.warn {
    background: var(--warn-soft);
    color: var(--warn);
  }
  .badge.bad {
    background: var(--bad-soft);
    color: var(--bad);
  }
  .badge.accent {
    background: var(--tint);
    color: var(--accent);
  }
  .badge.theirs {
    background: var(--theirs-soft);
    color: var(--theirs);
  }
  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px var(--gap);
    padding: 10px 14px;
    border: 1px solid var(--line);
    border-inline-start: 3px solid var(--edge);
    border-radius: calc(var(--radius) - 2px);
    background: var(--sunken);
  }
  .notice > div {
    flex: 1 1 16em;
    min-width: 0;
  }
  .notice.bad {
    border-inline-start-color: var(--bad);
    background: var(--bad-soft);
  }
  .notice.warn {
    border-inline-start-color: var(--warn);
    background: var(--warn-soft);
  }
  .notice.good {
    border-inline-start-color: var(--good);
    background: var(--good-soft);
  }
  .empty {
    display: grid;
    justify-items: center;
    gap: 8px;
    padding: 40px 20px;
    color: var(--soft);
    text-align: center;
  }
  .empty h3 {
    color: var(--text);
  }
  .empty p {
    max-width: 46ch;
  }
  .mark {
    padding: 0 3px;
    border-radius: 3px;
    background: var(--warn-soft);
    color: var(--warn);
    font: 0.82em var(--mono);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    color: var(--soft);
    font-size: 0.88em;
    font-weight: 600;
    text-align: start;
  }
  th,
  td {
    padding: 6px 10px;
    border-bottom: 1px solid var(--line);
    vertical-align: top;
    overflow-wrap: break-word;
  }
  thead th {
    overflow-wrap: normal;
    white-space: nowrap;
  }
  tbody th {
    color: var(--text);
    font-size: inherit;
    font-weight: 550;
  }
  tr:last-child > :is(td, th) {
    border-bottom: 0;
  }
  .scroll {
    overflow-x: auto;
  }
  .bar {
    height: 8px;
    overflow: hidden;
    border-radius: 99px;
    background: var(--sunken);
    box-shadow: inset 0 0 0 1px var(--line);
  }
  .bar > span {
    display: block;
    height: 100%;
    border-radius: 99px;
    background: var(--accent);
    transition: width 0.2s;
  }
  dialog {
    max-width: min(560px, calc(100vw - 24px));
    padding: 0;
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) + 4px);
    background: var(--surface);
    color: var(--text);
    box-shadow: var(--shadow);
  }
  .question {
    display: grid;
    gap: var(--gap);
    padding: calc(var(--gap) * 1.5);
  }
  .question .row {
    justify-content: end;
  }
  dialog::backdrop {
    background: rgb(10 12 18 / 0.45);
  }
  @media print {
    button,
    .button,
    dialog {
      display: none !important;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      transition: none !important;
    }
  }
  @media (forced-colors: active) {
    .badge,
    .bar {
      border: 1px solid;
    }
    .bar > span {
      background: Highlight;
    }
  }
`
