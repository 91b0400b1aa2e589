import { css } from 'lit'

export const agreementStyles = css`
  .tabs {
    display: flex;
    gap: 4px;
  }
  .tabs button {
    border-color: transparent;
    background: transparent;
  }
  .tabs button[aria-selected='true'] {
    background: var(--tint);
    color: var(--accent);
  }
  .meter {
    display: inline-flex;
    gap: 3px;
    align-items: center;
  }
  .meter i {
    width: 10px;
    height: 14px;
    border: 1px solid var(--edge);
    border-radius: 2px;
  }
  .meter i.full {
    border-color: var(--accent);
    background: var(--accent);
  }
  td.tick,
  th.tick {
    width: 96px;
    text-align: center;
  }
  td.tick input {
    vertical-align: middle;
  }
  td select {
    min-width: 150px;
  }
  .matrix {
    container-type: inline-size;
    max-height: 62vh;
    overflow: auto;
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  .matrix thead th {
    position: sticky;
    z-index: 1;
    top: 0;
    background: var(--sunken);
  }
  /* A phone shows every column: an example can be missed, and a mapping stands on two lines. */
  @container (max-width: 480px) {
    .example,
    .mapping thead {
      display: none;
    }
    .badge {
      white-space: normal;
    }
    th,
    td {
      padding-inline: 6px;
      white-space: normal;
    }
    td .quiet {
      padding-inline: 0;
    }
    .tick:is(th, td) {
      width: 72px;
    }
    .mapping tr {
      display: grid;
      grid-template-columns: 1fr 1fr;
      border-bottom: 1px solid var(--line);
    }
    .mapping :is(th, td) {
      border: 0;
    }
    .mapping td.tick {
      width: auto;
      grid-area: 1 / 2;
    }
    .mapping td.tick::before {
      content: 'Keep updating ';
      color: var(--soft);
    }
    .mapping select {
      width: 100%;
      min-width: 0;
    }
  }
  .type {
    color: var(--soft);
    font-size: 0.88em;
  }
  tr.off td,
  tr.off th {
    color: var(--soft);
  }
  .notice > :is(input, select, textarea, .money) {
    width: 220px !important;
  }
  .pairs {
    display: grid;
    grid-template-columns: minmax(110px, auto) auto minmax(130px, 1fr);
    gap: 4px 8px;
    align-items: center;
    max-width: 460px;
    padding: 6px 0;
  }
  .wishes {
    margin-top: 4px;
  }
  code {
    font: 0.88em var(--mono);
    overflow-wrap: anywhere;
  }
`
