import { defineElement } from '../base/define-element.js'
import { EntenteShares } from '../external/shares.js'

defineElement('entente-shares', EntenteShares)

declare global {
  interface HTMLElementTagNameMap {
    'entente-shares': EntenteShares
  }
}
