import { defineElement } from '../base/define-element.js'
import { EntenteSettings } from '../settings/settings.js'

defineElement('entente-settings', EntenteSettings)

declare global {
  interface HTMLElementTagNameMap {
    'entente-settings': EntenteSettings
  }
}
