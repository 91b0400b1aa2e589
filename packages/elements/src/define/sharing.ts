import { defineElement } from '../base/define-element.js'
import { EntenteSharing } from '../sharing/sharing.js'

defineElement('entente-sharing', EntenteSharing)

declare global {
  interface HTMLElementTagNameMap {
    'entente-sharing': EntenteSharing
  }
}
