import { css } from 'lit'

export const auditStyles = css`
  .scroll {
    overflow: auto;
    max-height: 70vh;
  }
  table {
    width: 100%;
    white-space: nowrap;
  }
  th[scope='row'] {
    font-weight: inherit;
  }
  .mono {
    font-family: var(--mono);
    font-size: 0.9em;
  }
`
