import { css } from 'lit'

export const importStyles = css`
  dialog {
    width: min(880px, calc(100vw - 24px));
    max-width: none;
    max-height: calc(100vh - 48px);
  }
  .inside {
    display: grid;
    gap: var(--gap);
    padding: 20px;
  }
  .drop {
    display: grid;
    justify-items: center;
    gap: 8px;
    padding: 44px 20px;
    border: 2px dashed var(--edge);
    border-radius: var(--radius);
    text-align: center;
    cursor: pointer;
  }
  .drop:hover {
    background: var(--sunken);
  }
  .matrix {
    max-height: 50vh;
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
  tr.off td,
  tr.off th {
    color: var(--soft);
  }
  td select {
    margin-block: 1px;
  }
  .doubt {
    color: var(--warn);
  }
  .blanks {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 6px;
    align-items: center;
    font-weight: 400;
  }
  .notices {
    display: grid;
  }
  .notices > .notice {
    margin: var(--gap) var(--gap) 0;
  }
  .causes {
    display: grid;
    gap: var(--gap);
    max-height: 50vh;
    overflow: auto;
  }
  .history summary {
    cursor: pointer;
  }
  .pair {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    gap: 6px;
    align-items: center;
  }
`
