import { defineElement } from '../base/define-element.js'
import { EntenteShares } from '../sharing/shares.js'

defineElement('entente-shares', EntenteShares)

declare global {
  interface HTMLElementTagNameMap {
    'entente-shares': EntenteShares
  }
}
