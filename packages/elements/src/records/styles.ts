import { css } from 'lit'

export const recordsStyles = css`
  :host {
    display: flex !important;
    flex-direction: column;
    gap: var(--gap);
    min-width: 0;
    min-height: 240px;
    height: 100%;
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--gap);
  }
  .tools input[type='search'] {
    flex: 1 1 180px;
    max-width: 340px;
    width: auto;
  }
  .count {
    color: var(--soft);
    font-variant-numeric: tabular-nums;
  }
  .end {
    margin-inline-start: auto;
  }
  .tools select {
    width: auto;
    max-width: 15em;
  }
  .badge > button {
    min-height: 0;
    padding: 0 3px;
    color: inherit;
  }
  .frame {
    position: relative;
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    flex: 1 1 0;
    min-height: 160px;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }
  .frame::before,
  .frame::after {
    content: '';
    position: absolute;
    z-index: 3;
    inset-block: 0;
    width: 14px;
    opacity: 0;
    pointer-events: none;
    transition: opacity 0.15s;
  }
  .frame::before {
    inset-inline-start: 0;
    box-shadow: inset 12px 0 10px -10px rgb(0 0 0 / 0.4);
  }
  .frame::after {
    inset-inline-end: 0;
    box-shadow: inset -12px 0 10px -10px rgb(0 0 0 / 0.4);
  }
  .frame[data-more-start]::before,
  .frame[data-more-end]::after {
    opacity: 1;
  }
  .grid {
    position: relative;
    min-height: 0;
    overflow: auto;
    overscroll-behavior: contain;
  }
  .line {
    display: grid;
    align-items: center;
    height: var(--row);
    width: 100%;
    border-bottom: 1px solid var(--line);
  }
  .head {
    position: sticky;
    z-index: 2;
    top: 0;
    background: var(--sunken);
    color: var(--soft);
    font-size: 0.9em;
    font-weight: 600;
  }
  .body {
    position: relative;
    width: 100%;
  }
  .body .line {
    position: absolute;
    inset-block-start: 0;
    inset-inline-start: 0;
    contain: layout paint style;
    background: var(--surface);
    cursor: default;
  }
  [aria-multiselectable] .body {
    user-select: none;
  }
  .body .line:hover {
    background: var(--sunken);
  }
  .body .line[aria-selected='true'] {
    background: var(--tint);
  }
  .body .line:focus-visible {
    z-index: 1;
    outline-offset: -2px;
  }
  .line > * {
    min-width: 0;
    overflow: hidden;
    padding: 0 10px;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .line > .box {
    display: grid;
    place-items: center;
    padding: 0;
    height: 100%;
  }
  .number {
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  .name {
    font-weight: 550;
  }
  .head button {
    display: inline-flex;
    min-height: 0;
    max-width: 100%;
    padding: 2px 4px;
    margin-inline: -4px;
    border: 0;
    background: none;
    color: inherit;
    font-weight: inherit;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .head [aria-sort='ascending'] button::after {
    content: '↑';
  }
  .head [aria-sort='descending'] button::after {
    content: '↓';
  }
  .head [aria-sort]:not([aria-sort='none']) {
    color: var(--text);
  }
  @media print {
    :host {
      display: block !important;
      height: auto;
    }
    .tools {
      display: none;
    }
    .frame,
    .grid {
      overflow: visible;
      border: 0;
    }
    .head,
    .body .line {
      position: static;
      min-width: 0 !important;
      transform: none !important;
      break-inside: avoid;
    }
    .body {
      height: auto !important;
      min-width: 0 !important;
    }
    .head button {
      display: block !important;
      padding: 0;
      margin: 0;
    }
  }
`
