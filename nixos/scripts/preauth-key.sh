# shellcheck shell=bash
# A preauth key of the user USER_NAME that can be used for LIFE, in KEY_FILE.
# The user is made if need be. Fails while headscale does not answer; the unit
# tries again.
user_id() {
	headscale users list -o json |
		jq -r --arg name "$USER_NAME" '.[]? | select(.name == $name) | .id'
}

id=$(user_id)
[ -n "$id" ] || {
	headscale users create "$USER_NAME"
	id=$(user_id)
}
key=$(headscale preauthkeys create -u "$id" --reusable -e "$LIFE" -o json | jq -r .key)
[ -n "$key" ] && [ "$key" != null ]
printf '%s\n' "$key" >"$KEY_FILE.new"
mv "$KEY_FILE.new" "$KEY_FILE"
