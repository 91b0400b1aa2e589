import { css } from 'lit'

export const adminStyles = css`
  :host {
    display: block;
    min-height: 100vh;
    background: var(--page);
  }
  .top {
    position: sticky;
    top: 0;
    z-index: 1;
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 6px 18px;
    padding: 8px 16px;
    border-bottom: 1px solid var(--line);
    background: var(--surface);
  }
  .brand {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    color: inherit;
    font-weight: 680;
    text-decoration: none;
  }
  .brand svg {
    width: 30px;
    height: 20px;
  }
  h1 {
    margin: 0;
    font-size: 1em;
    font-weight: 550;
  }
  main {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: calc(var(--gap) * 1.3);
    max-width: 1180px;
    margin-inline: auto;
    padding: calc(var(--gap) * 1.3);
  }
  .card {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--gap);
  }
  .old .figure {
    color: var(--soft);
  }
  .tiles {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(136px, 100%), 1fr));
    gap: calc(var(--gap) * 1.4) calc(var(--gap) * 1.6);
  }
  @media (min-width: 760px) {
    .tiles {
      grid-template-columns: repeat(4, minmax(0, 1fr));
    }
  }
  dt {
    color: var(--soft);
    font-weight: 550;
  }
  .figure {
    font-size: 1.5em;
    font-weight: 650;
    line-height: 1.3;
    font-variant-numeric: tabular-nums;
  }
  .figure small {
    color: var(--soft);
    font-size: 0.6em;
    font-weight: 550;
  }
  .curve {
    display: block;
    width: 100%;
    max-width: 240px;
    height: 26px;
    border-bottom: 1px solid var(--line);
    color: var(--accent);
  }
  .number {
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .id {
    display: inline-block;
    max-width: 13ch;
    overflow: hidden;
    vertical-align: top;
    font: 0.92em var(--mono);
    text-overflow: ellipsis;
    white-space: nowrap;
    user-select: all;
  }
  .scroll:focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  .filter {
    display: flex;
    align-items: center;
    gap: 8px;
  }
  .filter input {
    width: 22ch;
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(300px, 100%), 1fr));
    gap: calc(var(--gap) * 1.3) calc(var(--gap) * 2.4);
  }
  .plain {
    display: grid;
    gap: 5px;
    padding-inline-start: 1.1em;
    margin-top: 6px;
    list-style: disc;
  }
  .begin {
    display: grid;
    justify-items: center;
    padding-block: 8vh;
  }
  .begin form {
    width: min(440px, 100%);
  }
  .begin label {
    display: grid;
    gap: 4px;
  }
`
