import { css } from 'lit'

export const deskStyles = css`
  :host {
    display: grid !important;
    grid-template: auto auto minmax(0, 1fr) / minmax(0, 1fr);
    min-height: 0;
    container: desk / inline-size;
    background: var(--page);
  }
  nav {
    display: flex;
    gap: 2px;
    overflow-x: auto;
    padding: 6px var(--gap);
    border-bottom: 1px solid var(--line);
    background: var(--surface);
    scrollbar-width: none;
  }
  nav a {
    flex: none;
    padding: 5px 11px;
    border-radius: 6px;
    color: var(--soft);
    font-weight: 550;
    text-decoration: none;
  }
  nav a:hover {
    background: var(--sunken);
  }
  nav a[aria-current] {
    background: var(--tint);
    color: var(--accent);
  }
  .place {
    min-height: 0;
    overflow: auto;
    padding: calc(var(--gap) * 1.3);
  }
  .place.fills {
    display: grid;
    grid-template: minmax(0, 1fr) / minmax(0, 1fr);
    overflow: hidden;
  }
  .page {
    display: grid;
    align-content: start;
    gap: calc(var(--gap) * 1.2);
    max-width: 980px;
    margin-inline: auto;
  }
  .page > header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: var(--gap);
  }
  .two {
    display: grid;
    gap: calc(var(--gap) * 1.3);
    align-items: start;
  }
  .two > aside {
    display: grid;
    gap: calc(var(--gap) * 1.3);
    min-width: 0;
  }
  .two aside > section {
    display: grid;
    gap: 8px;
  }
  .back {
    justify-self: start;
    text-decoration: none;
    font-weight: 550;
    color: var(--accent);
  }
  .wide {
    max-width: 1280px;
  }
  .site {
    display: grid;
    grid-template-rows: auto auto minmax(200px, 1fr);
    gap: var(--gap);
    min-height: 0;
  }
  .toolbar {
    flex-wrap: nowrap;
  }
  #deleted {
    max-height: 70vh;
  }
  .pick {
    width: auto !important;
  }
  @media print {
    :host,
    .place.fills {
      display: block !important;
    }
    nav,
    .back,
    .links {
      display: none;
    }
    .place {
      overflow: visible !important;
      padding: 0;
    }
  }
  @container desk (min-width: 900px) {
    .two {
      grid-template-columns: minmax(0, 1.15fr) minmax(0, 1fr);
    }
  }
`
