// Command hash_password reads a password from standard input and prints its bcrypt hash.
//
// Dex takes static passwords as bcrypt only, Python's standard library has no bcrypt, and no hash is committed.
// It must not know Dex or its configuration.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"golang.org/x/crypto/bcrypt"
)

func main() {
	log.SetFlags(0)
	password, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatalf("cannot read the password: %v", err)
	}
	hash, err := bcrypt.GenerateFromPassword(password, bcrypt.DefaultCost)
	if err != nil {
		log.Fatalf("cannot hash the password: %v", err)
	}
	fmt.Println(string(hash))
}
