import { css } from 'lit'

export const connectStyles = css`
  .offers {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr));
    gap: var(--gap);
    align-items: start;
  }
  .paste {
    flex-wrap: nowrap;
  }
  .paste input {
    flex: 1;
    min-width: 0;
    font-family: var(--mono);
    font-size: 0.9em;
    text-overflow: ellipsis;
  }
  .badge {
    white-space: normal;
  }
  .compare {
    padding: var(--gap);
    border-radius: var(--radius);
    background: var(--sunken);
  }
  .code {
    display: flex;
    flex-wrap: wrap;
    gap: 0.55em;
    font: 600 1.9em/1.2 var(--mono);
    font-variant-numeric: tabular-nums;
    letter-spacing: 0.04em;
  }
`
