/** The socket of the relay that served this page. */
export function relayAddress(page: Location = location): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}/socket`
}
