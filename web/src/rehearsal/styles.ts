import { css } from 'lit'

export const rehearsalStyles = css`
  :host {
    display: grid !important;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    height: calc(100vh - var(--notice, 0px));
    background: var(--page);
  }
  main {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    min-height: 0;
  }
  .top {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 18px;
    padding: 8px 16px;
    border-bottom: 1px solid var(--line);
    background: var(--surface);
  }
  .top > a {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    color: inherit;
    font-weight: 680;
    text-decoration: none;
  }
  .top svg {
    width: 30px;
    height: 20px;
  }
  ol.steps {
    display: flex;
    flex: 1;
    flex-wrap: wrap;
    gap: 2px;
    min-width: 0;
    padding: 3px;
  }
  .steps button {
    min-height: 30px;
    padding: 2px 8px 2px 4px;
    white-space: nowrap;
    border-color: transparent;
    background: transparent;
    color: var(--soft);
    font-size: 0.93em;
  }
  .steps i {
    display: inline-grid;
    place-items: center;
    width: 21px;
    height: 21px;
    border: 1.5px solid currentColor;
    border-radius: 50%;
    font-size: 0.82em;
    font-style: normal;
    font-weight: 650;
  }
  .steps .done {
    color: var(--good);
  }
  .steps .done i {
    border-color: var(--good);
    background: var(--good);
    color: var(--surface);
  }
  .steps [aria-current] {
    background: var(--tint);
    color: var(--accent);
  }
  .guide {
    display: grid;
    grid-template-columns: minmax(0, 1.5fr) minmax(0, 1.2fr) auto;
    align-items: center;
    gap: 10px 28px;
    min-height: 100px;
    padding: 12px 16px;
    border-bottom: 1px solid var(--line);
    background: var(--surface);
  }
  .guide h1 {
    margin: 0 0 2px;
    font-size: 1.16em;
  }
  .guide p {
    max-width: 74ch;
  }
  .hands {
    display: grid;
    gap: 3px;
  }
  .hands b {
    display: inline-block;
    min-width: 60px;
    font-weight: 650;
  }
  .vendor b,
  b.vendor {
    color: var(--ours);
  }
  .partner b,
  b.partner {
    color: var(--theirs);
  }
  .does {
    display: grid;
    gap: 6px;
    justify-items: stretch;
    min-width: 168px;
  }
  .problem {
    grid-column: 1 / -1;
  }
  .panes {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    min-height: 0;
  }
  .pane {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    min-width: 0;
    min-height: 0;
  }
  .pane + .pane {
    border-inline-start: 1px solid var(--line);
  }
  .pane > header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 6px 14px;
    padding: 7px 14px;
    border-top: 3px solid var(--own);
    background: var(--surface);
  }
  .pane.vendor {
    --own: var(--ours);
  }
  .pane.partner {
    --own: var(--theirs);
  }
  .pane h2 {
    min-width: 0;
    overflow: hidden;
    font-size: 1.04em;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .pane h2 span:not(.soft) {
    color: var(--own);
    font-weight: 600;
  }
  /* Each side's peer colour is the other's own. */
  .pane.partner org-desk {
    --entente-accent: light-dark(#8a4b08, #f2b56b);
    --entente-on-accent: light-dark(#ffffff, #20170c);
    --entente-accent-soft: light-dark(#fbf1e2, #362a1b);
    --entente-focus: light-dark(#8a4b08, #f2b56b);
    --entente-ours: light-dark(#8a4b08, #f2b56b);
    --entente-theirs: light-dark(#2a4bb0, #a3b7ff);
    --entente-theirs-soft: light-dark(#e9eefc, #262f4d);
  }
  @media (max-width: 1460px) {
    .steps button:not([aria-current]) .title {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
    .steps button {
      position: relative;
    }
  }
  .pane entente-status {
    flex: none;
  }
  @media (max-width: 640px) {
    .top {
      justify-content: space-between;
    }
    ol.steps {
      order: 3;
      flex-basis: 100%;
    }
  }
  @media (max-width: 900px) {
    .pane > header {
      flex-wrap: wrap;
    }
    .pane entente-status {
      flex: 0 1 auto;
    }
    :host,
    main {
      grid-template-rows: auto auto;
      height: auto;
    }
    .guide {
      grid-template-columns: minmax(0, 1fr);
    }
    .panes {
      grid-template-columns: minmax(0, 1fr);
    }
    .pane {
      height: 86vh;
      border-inline-start: 0 !important;
    }
  }
`
