import { css } from 'lit'

export const siteViewStyles = css`
  :host {
    display: grid !important;
    grid-template: auto minmax(260px, 1fr) / minmax(0, 1fr);
    gap: var(--gap);
    min-height: 0;
    overflow: auto;
    container-type: inline-size;
  }
  h2 {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 6px;
  }
  h2 .soft {
    color: inherit;
  }
  .pick {
    width: auto !important;
    max-width: 100%;
    font-weight: inherit;
  }
  .kinds button[aria-pressed='true'],
  .exports[aria-expanded='true'] {
    border-color: var(--accent);
    background: var(--tint);
    color: var(--accent);
  }
  .empty {
    align-self: start;
  }
  .below {
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    gap: var(--gap);
    position: relative;
    min-height: 0;
  }
  entente-records {
    min-height: 0;
  }
  aside {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    gap: 8px;
    min-height: 0;
    padding: 10px 12px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--page);
    box-shadow: var(--shadow);
  }
  .jobs {
    overflow: auto;
  }
  .below > aside {
    position: absolute;
    z-index: 4;
    inset-block: 0;
    inset-inline-end: 0;
    width: min(400px, 100%);
  }
  /* Where there is room, the drawer covers no column. */
  @container (min-width: 1000px) {
    .below:has(> aside) {
      grid-template-columns: minmax(0, 1fr) 380px;
    }
    .below > aside {
      position: static;
      width: auto;
      box-shadow: none;
    }
  }
  @media print {
    :host {
      display: block !important;
      overflow: visible !important;
    }
  }
`
