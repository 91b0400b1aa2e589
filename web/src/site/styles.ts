import { css } from 'lit'

export const siteStyles = css`
  .site {
    display: grid;
    grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
    min-height: 0;
  }
  .place {
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    width: 100%;
    height: 100%;
    max-width: 1240px;
    margin-inline: auto;
    padding: calc(var(--gap) * 1.3);
  }
`
