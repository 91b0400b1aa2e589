import { css } from 'lit'

export const siteStyles = css`
  .place {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    gap: var(--gap);
    height: 100%;
    max-width: 1240px;
    margin-inline: auto;
    padding: calc(var(--gap) * 1.3);
  }
  .place > site-view {
    grid-row: 2;
  }
  .row > select {
    width: auto;
  }
`
