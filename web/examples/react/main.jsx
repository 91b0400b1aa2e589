import { openOwnOrg } from '@entente/browser'
import { EntenteProvider } from '@entente/elements'
import '@entente/elements/define/external.js'
import '@entente/elements/define/provider.js'
import '@entente/elements/define/status.js'
import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'

EntenteProvider.open = openOwnOrg

/** The mirrors of a record. The relay serves this page, so its address is the page's own. */
function Mirrors({ object, record }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <entente-provider relay={location.origin} org="default" onentente-ready={() => setOpen(true)}>
      <p>{isOpen ? 'The org is open.' : 'The org is not open yet.'}</p>
      <entente-status />
      <entente-external object={object} record={record} />
    </entente-provider>
  )
}

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <h1>A record in our CRM</h1>
    <Mirrors object="Opportunity" record={new URLSearchParams(location.search).get('record')} />
  </StrictMode>,
)
