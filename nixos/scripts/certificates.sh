# shellcheck shell=bash
# A private authority and the certificate of the server, in STATE, where they
# are not yet. NAME and ADDRESS are what the certificate is for.
cd "$STATE"

[ -s ca.pem ] || {
	openssl ecparam -name prime256v1 -genkey -noout -out ca.key
	openssl req -x509 -new -key ca.key -days 825 -subj "/CN=wgaudit test authority" \
		-addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
		-addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem.new
	chmod 644 ca.pem.new
	mv ca.pem.new ca.pem
	rm -f server.pem
}

[ -s server.pem ] || {
	openssl ecparam -name prime256v1 -genkey -noout -out server.key
	openssl req -new -key server.key -subj "/CN=$NAME" -out server.csr
	printf '%s\n' "basicConstraints=critical,CA:FALSE" "extendedKeyUsage=serverAuth" \
		"subjectAltName=DNS:$NAME,IP:$ADDRESS" >server.ext
	openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
		-days 825 -extfile server.ext -out server.pem.new
	mv server.pem.new server.pem
	rm -f server.csr server.ext
}
