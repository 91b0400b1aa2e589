import { openOwnOrg } from '@entente/browser'
import { EntenteProvider } from '@entente/elements'
import '@entente/elements/define/external.js'
import '@entente/elements/define/provider.js'
import '@entente/elements/define/status.js'

EntenteProvider.open = openOwnOrg

// This page is served by the relay, and its own address says which record it shows: index.html?record=…
document.querySelector('entente-external').record = new URLSearchParams(location.search).get('record')
document.querySelector('entente-provider').relay = location.origin
