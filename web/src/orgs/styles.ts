import { css } from 'lit'

export const orgsStyles = css`
  :host {
    min-height: 100vh;
    background: var(--page);
  }
  main {
    width: min(720px, 100%);
    margin-inline: auto;
    padding: 6vh 16px;
  }
  h1 {
    margin: 0;
    font-size: 1.6em;
  }
  a:not(.button) {
    color: var(--accent);
  }
  label {
    display: block;
  }
  input {
    flex: 1;
    min-width: 12em;
  }
`
