"""Requests around layers: matches with several arpeggios, and what is heard of each."""

from gui.asking import Asking
from mesosynth.matching.layer_requests import LayersSettings
from mesosynth.session.layer_book import LayerBook


class LayerRequests(Asking):
    """Look for layers, and change what was found."""

    @property
    def layers(self) -> LayerBook:
        """What there is to say of each layer; empty while another instrument plays."""
        return LayerBook() if self.session is None else self.session.layers

    @property
    def matching_layers(self) -> bool:
        """Whether a match with layers runs, or stands still."""
        return self.session is not None and self.session.matching_layers

    def start_layers_match(self, settings: LayersSettings, go_on: bool) -> bool:
        """Match with layers, perhaps from those that there are."""
        if self.session is not None:
            self.session.layers_settings = settings
        return self.request(lambda session: session.start_layers_match(go_on))

    def apply_layers(self) -> bool:
        """Play what the last match with layers found."""
        done = self.request(lambda session: session.apply_layers())
        self.show_sound(rack=True)
        return done

    def change_layers(self, method: str, *arguments: object) -> bool:
        """Call a method of the session that changes layers.

        Parameters
        ----------
        method : {"mute_layer", "solo_layer", "pin_layer", "move_layer", "remove_layer"}
        *arguments
            As the session's method takes them.
        """
        done = self.request(lambda session: getattr(session, method)(*arguments))
        self.show_sound()
        return done
