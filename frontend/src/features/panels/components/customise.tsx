/** What customising the page needs, in one chunk, since few visits use it. */
export { CustomiseBar } from '@/features/panels/components/customise-bar';
export { PanelControls } from '@/features/panels/components/panel-controls';
