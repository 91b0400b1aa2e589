import { defineElement } from '../base/define-element.js'
import { EntenteProvider } from '../base/provider.js'

defineElement('entente-provider', EntenteProvider)

declare global {
  interface HTMLElementTagNameMap {
    'entente-provider': EntenteProvider
  }
}
